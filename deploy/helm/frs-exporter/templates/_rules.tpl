{{- /* Fills in files/frs.rules.yml, as deploy/mixin/lib does: what both render of the same settings is the same. */ -}}

{{- /* A length of time in words: 90m is 90 minutes. Takes duration and language. */ -}}
{{- define "frs-exporter.words" -}}
{{- $en := dict "s" "second" "m" "minute" "h" "hour" "d" "day" "w" "week" "y" "year" }}
{{- $zh := dict "s" "秒" "m" "分钟" "h" "小时" "d" "天" "w" "周" "y" "年" }}
{{- $units := eq .language "en" | ternary $en $zh }}
{{- $parts := list }}
{{- range regexFindAll "[0-9.]+[a-z]" .duration -1 }}
{{- $number := regexFind "[0-9.]+" . }}
{{- $plural := and (eq $.language "en") (ne $number "1") | ternary "s" "" }}
{{- $parts = append $parts (printf "%s %s%s" $number (get $units (trimPrefix $number .)) $plural) }}
{{- end }}
{{- join " " $parts }}
{{- end }}

{{- /* A number as PromQL has it. */ -}}
{{- define "frs-exporter.number" -}}
{{- printf (eq (floor .) (float64 .) | ternary "%.0f" "%.15g") (float64 .) }}
{{- end }}

{{- /* A text with values in the place of their names. Where there is no selector, its braces or its comma go, too. */ -}}
{{- define "frs-exporter.filled" -}}
{{- $text := .text }}
{{- if not .values.selector }}
{{- $text = $text | replace "{%(selector)s}" "" | replace ", %(selector)s" "" }}
{{- end }}
{{- range $name, $value := .values }}
{{- $text = $text | replace (printf "%%(%s)s" $name) $value }}
{{- end }}
{{- $text }}
{{- end }}

{{- /* An alert as Prometheus loads it, or nothing if it is switched off. Takes rule, values, times and set, of the chart. */ -}}
{{- define "frs-exporter.alert" -}}
{{- $settings := merge (deepCopy (get .set.alerts .rule.alert | default dict)) .rule.settings }}
{{- if dig "enabled" true $settings }}
{{- $times := merge (dict "for" (dig "for" "" $settings) "keepFiringFor" (dig "keepFiringFor" "" $settings)) .times }}
{{- $annotations := dict "runbook_url" (printf "%s#%s" .set.runbookUrl (lower .rule.alert)) }}
{{- if .rule.page }}
{{- $page := include "frs-exporter.filled" (dict "text" .rule.page "values" .values) }}
{{- $_ := set $annotations "page_url" (print (regexReplaceAll "/+$" .set.pageUrl "" | default "http://{{ $labels.instance }}") $page) }}
{{- end }}
{{- range $index, $language := .set.languages }}
{{- $values := deepCopy $.values }}
{{- range $name, $duration := $times }}
{{- $words := include "frs-exporter.words" (dict "duration" $duration "language" $language) }}
{{- $_ := set $values (print $name ":words") $words }}
{{- end }}
{{- $suffix := ne $index 0 | ternary (print "_" ($language | replace "-" "_")) "" }}
{{- range $part := list "summary" "description" }}
{{- $text := include "frs-exporter.filled" (dict "text" (get (get $.rule.texts $part) $language) "values" $values) }}
{{- $_ := set $annotations (print $part $suffix) $text }}
{{- end }}
{{- end }}
{{- $expr := include "frs-exporter.filled" (dict "text" .rule.expr "values" .values) }}
{{- $alert := dict "alert" .rule.alert "expr" $expr "annotations" $annotations }}
{{- with get $times "for" }}{{ $_ := set $alert "for" . }}{{ end }}
{{- with get $times "keepFiringFor" }}{{ $_ := set $alert "keep_firing_for" . }}{{ end }}
{{- $labels := dict "severity" $settings.severity }}
{{- range $some := list .set.additionalRuleLabels (dig "labels" dict $settings) }}
{{- range $name, $value := $some }}{{ $_ := set $labels $name $value }}{{ end }}
{{- end }}
{{- $_ := set $alert "labels" $labels }}
{{- toJson $alert }}
{{- end }}
{{- end }}

{{- /* All groups as Prometheus loads them. Takes rules, what files/frs.rules.yml has, and set, of the chart. */ -}}
{{- define "frs-exporter.groups" -}}
{{- $numbers := merge (deepCopy .set.thresholds) .rules.thresholds }}
{{- /* What is nearly full is not full yet: no schema can compare them. */ -}}
{{- range $below, $above := dict "faceSetNearlyFullRatio" "faceSetFullRatio" "faceSetQuotaNearlyUsedRatio" "faceSetQuotaUsedUpRatio" }}
{{- if ge (float64 (get $numbers $below)) (float64 (get $numbers $above)) }}
{{- fail (printf "prometheusRule: threshold %s must be below %s" $below $above) }}
{{- end }}
{{- end }}
{{- $values := dict "selector" .set.selector "clusterLabel" .set.clusterLabel }}
{{- $times := dict }}
{{- range $name, $value := $numbers }}
{{- if kindIs "string" $value }}
{{- $_ := set $values $name $value }}
{{- $_ := set $times $name $value }}
{{- else }}
{{- $number := include "frs-exporter.number" $value }}
{{- $_ := set $values $name $number }}
{{- if hasSuffix "Days" $name }}{{ $_ := set $times $name (print $number "d") }}{{ end }}
{{- end }}
{{- end }}
{{- $groups := list }}
{{- range $group := .rules.groups }}
{{- $rules := list }}
{{- range $rule := $group.rules }}
{{- if $rule.alert }}
{{- with include "frs-exporter.alert" (dict "rule" $rule "values" $values "times" $times "set" $.set) }}
{{- $rules = append $rules (fromJson .) }}
{{- end }}
{{- else }}
{{- $expr := include "frs-exporter.filled" (dict "text" $rule.expr "values" $values) }}
{{- $rules = append $rules (dict "record" $rule.record "expr" $expr) }}
{{- end }}
{{- end }}
{{- if $rules }}{{ $groups = append $groups (dict "name" $group.name "rules" $rules) }}{{ end }}
{{- end }}
{{- toJson $groups }}
{{- end }}

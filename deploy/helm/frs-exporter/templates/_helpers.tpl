{{/* Names, labels and what several templates share. */}}

{{- define "frs-exporter.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "frs-exporter.namespace" -}}
{{- .Values.namespaceOverride | default .Release.Namespace -}}
{{- end -}}

{{/* At most 52 characters: Kubernetes adds eleven to the name of a StatefulSet and makes that a label. */}}
{{- define "frs-exporter.fullname" -}}
{{- $name := .Values.nameOverride | default .Chart.Name -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- .Values.fullnameOverride | default $full | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{/* These never change: selectors cannot. */}}
{{- define "frs-exporter.selectorLabels" -}}
app.kubernetes.io/name: {{ include "frs-exporter.name" . }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{/* Labels of a pod: (list . MORE). What MORE and commonLabels say counts, but for the selectors'. */}}
{{- define "frs-exporter.podLabels" -}}
{{- $root := first . -}}
{{- $labels := dict
      "app.kubernetes.io/version" ($root.Values.image.tag | default $root.Chart.AppVersion | trunc 63 | trimAll "-_.")
      "app.kubernetes.io/component" "exporter"
      "app.kubernetes.io/part-of" "frs-exporter" -}}
{{- $selector := include "frs-exporter.selectorLabels" $root | fromYaml -}}
{{- mergeOverwrite $labels ($root.Values.commonLabels | default dict) (last . | default dict) $selector | toYaml -}}
{{- end -}}

{{/* Labels of an object: (list . MORE). */}}
{{- define "frs-exporter.labels" -}}
{{- $root := first . -}}
{{- $chart := printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" | trunc 63 | trimAll "-_." -}}
{{- $helm := dict "helm.sh/chart" $chart "app.kubernetes.io/managed-by" $root.Release.Service -}}
{{- merge (include "frs-exporter.podLabels" . | fromYaml) $helm | toYaml -}}
{{- end -}}

{{/* The metadata of an object: (list . LABELS ANNOTATIONS), and its namespace where that is another one. */}}
{{- define "frs-exporter.metadata" -}}
{{- $root := first . -}}
name: {{ include "frs-exporter.fullname" $root }}
namespace: {{ gt (len .) 3 | ternary (last .) (include "frs-exporter.namespace" $root) }}
labels:
  {{- include "frs-exporter.labels" (list $root (index . 1)) | nindent 2 }}
{{- with index . 2 }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "frs-exporter.serviceAccountName" -}}
{{- $unnamed := ternary (include "frs-exporter.fullname" .) "default" .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default $unnamed -}}
{{- end -}}

{{- define "frs-exporter.configMapName" -}}
{{- .Values.existingConfigMap | default (printf "%s-config" (include "frs-exporter.fullname" .)) -}}
{{- end -}}

{{- define "frs-exporter.secretName" -}}
{{- if and .Values.secrets .Values.existingSecret -}}
{{- fail "secrets and existingSecret are both set: the chart makes a Secret, or you do" -}}
{{- end -}}
{{- .Values.existingSecret | default (printf "%s-secrets" (include "frs-exporter.fullname" .)) -}}
{{- end -}}

{{/* The checksum of a config that the chart has, as an annotation. */}}
{{- define "frs-exporter.checksum" -}}
{{- if not .Values.existingConfigMap -}}
checksum/config: {{ sha256sum (required "config is empty: set it, or existingConfigMap" .Values.config) }}
{{- end -}}
{{- end -}}

{{/* Whether the exporter serves HTTPS: "true" or nothing. */}}
{{- define "frs-exporter.https" -}}
{{- if and .Values.webConfig.existingSecret .Values.webConfig.tls -}}true{{- end -}}
{{- end -}}

{{/* The address at which others reach the exporter, as scheme, host and path; all empty without one. */}}
{{- define "frs-exporter.external" -}}
{{- if and .Values.externalUrl (gt (int .Values.shards) 1) -}}
{{- fail "externalUrl is the address of one exporter: with several shards leave it empty, and set routePrefix if paths begin with more than /" -}}
{{- end -}}
{{- $url := urlParse (.Values.externalUrl | default "") -}}
{{- dict "host" (lower $url.hostname) "path" (trimSuffix "/" $url.path) | toYaml -}}
{{- end -}}

{{/* The path that all others begin with: nothing, or like /frs. */}}
{{- define "frs-exporter.prefix" -}}
{{- $external := include "frs-exporter.external" . | fromYaml -}}
{{- with .Values.routePrefix | default $external.path | trimAll "/" -}}/{{ . }}{{- end -}}
{{- end -}}

{{/* The path that people ask for, where a proxy leads to the exporter; / at least. */}}
{{- define "frs-exporter.externalPath" -}}
{{- $external := include "frs-exporter.external" . | fromYaml -}}
{{- ternary $external.path (include "frs-exporter.prefix" .) (ne $external.host "") | default "/" -}}
{{- end -}}

{{/* The hosts of an ingress or a route: (list . WHAT HOSTS). */}}
{{- define "frs-exporter.hosts" -}}
{{- $root := first . -}}
{{- $external := include "frs-exporter.external" $root | fromYaml -}}
{{- if gt (int $root.Values.shards) 1 -}}
{{- fail (printf "%s leads to one exporter, and there are several shards: give each a Service and a way to it, in extraManifests" (index . 1)) -}}
{{- end -}}
{{- $hosts := last . | default (ternary (list $external.host) list (ne $external.host "")) -}}
{{- if not $hosts -}}
{{- fail (printf "%s needs a host: set externalUrl, or its own" (index . 1)) -}}
{{- end -}}
{{- range $hosts -}}
{{- if or (regexMatch "[^-a-z0-9.*]" .) (regexMatch "^[0-9.]+$" .) -}}
{{- fail (printf "%s needs a name, and %s is none: set externalUrl to one, or its own" (index $ 1) .) -}}
{{- end -}}
{{- end -}}
{{- toYaml $hosts -}}
{{- end -}}

{{/* Where alerts lead to: "" for the address that is scraped. */}}
{{- define "frs-exporter.pageUrl" -}}
{{- .Values.prometheusRule.pageUrl | default .Values.externalUrl | default "" | trimSuffix "/" -}}
{{- end -}}

{{/* Whether an object of the Prometheus operator is made: (list . KIND ENABLED); "true" or nothing. */}}
{{- define "frs-exporter.wanted" -}}
{{- $known := (first .).Capabilities.APIVersions.Has (printf "monitoring.coreos.com/v1/%s" (index . 1)) -}}
{{- if or (eq (toString (last .)) "true") (and (eq (toString (last .)) "auto") $known) -}}true{{- end -}}
{{- end -}}

{{/* deployment or statefulset: one exporter or several. */}}
{{- define "frs-exporter.kind" -}}
{{- ternary "deployment" "statefulset" (eq (int .Values.shards) 1) -}}
{{- end -}}

{{/* A probe: (list . PROBE PATH). One without a handler asks this path. */}}
{{- define "frs-exporter.probe" -}}
{{- $root := first . -}}
{{- $probe := deepCopy (index . 1) -}}
{{- $own := or (hasKey $probe "httpGet") (hasKey $probe "exec") (hasKey $probe "tcpSocket") (hasKey $probe "grpc") -}}
{{- if not $own -}}
{{- $scheme := ternary "HTTPS" "HTTP" (eq (include "frs-exporter.https" $root) "true") -}}
{{- $path := printf "%s%s" (include "frs-exporter.prefix" $root) (last .) -}}
{{- $_ := set $probe "httpGet" (dict "path" $path "port" "http-metrics" "scheme" $scheme) -}}
{{- end -}}
{{- toYaml $probe -}}
{{- end -}}

{{/* Of the pod of helm test: none that a selector of ours knows. */}}
{{- define "frs-exporter.testLabels" -}}
app.kubernetes.io/name: {{ printf "%s-test" (include "frs-exporter.name" . | trunc 58 | trimSuffix "-") }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

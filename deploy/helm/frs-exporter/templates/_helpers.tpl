{{/* Names, labels and what several templates share. */}}

{{- define "frs-exporter.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
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
{{- mergeOverwrite $labels $root.Values.commonLabels (last .) $selector | toYaml -}}
{{- end -}}

{{/* Labels of an object: (list . MORE). */}}
{{- define "frs-exporter.labels" -}}
{{- $root := first . -}}
{{- $chart := printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" | trunc 63 | trimAll "-_." -}}
{{- $helm := dict "helm.sh/chart" $chart "app.kubernetes.io/managed-by" $root.Release.Service -}}
{{- merge (include "frs-exporter.podLabels" . | fromYaml) $helm | toYaml -}}
{{- end -}}

{{/* The metadata of an object: (list . LABELS ANNOTATIONS). */}}
{{- define "frs-exporter.metadata" -}}
{{- $root := first . -}}
name: {{ include "frs-exporter.fullname" $root }}
namespace: {{ $root.Release.Namespace }}
labels:
  {{- include "frs-exporter.labels" (list $root (index . 1)) | nindent 2 }}
{{- with last . }}
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
checksum/config: {{ sha256sum .Values.config }}
{{- end -}}
{{- end -}}

{{/* Whether the exporter serves HTTPS: "true" or nothing. */}}
{{- define "frs-exporter.https" -}}
{{- if and .Values.webConfig.existingSecret .Values.webConfig.tls -}}true{{- end -}}
{{- end -}}

{{/* The path that all others begin with: nothing, or like /frs. */}}
{{- define "frs-exporter.prefix" -}}
{{- with .Values.routePrefix | trimAll "/" -}}/{{ . }}{{- end -}}
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

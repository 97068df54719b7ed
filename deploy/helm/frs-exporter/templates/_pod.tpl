{{/* What is the same of a Deployment and a StatefulSet: the pod, its spec, and the container. */}}

{{/* The annotation with the checksum is on one of both: `metadata` of the object, `template` of the pods. */}}
{{- define "frs-exporter.workloadMetadata" -}}
{{- $checksum := include "frs-exporter.checksum" . | fromYaml -}}
{{- $annotations := merge (deepCopy (.Values.annotations | default dict)) (ternary dict $checksum .Values.restartOnConfigChange) -}}
{{- include "frs-exporter.metadata" (list . dict $annotations) -}}
{{- end -}}

{{- define "frs-exporter.podTemplate" -}}
{{- $checksum := include "frs-exporter.checksum" . | fromYaml -}}
{{- $container := dict "kubectl.kubernetes.io/default-container" "frs-exporter" -}}
metadata:
  labels:
    {{- include "frs-exporter.podLabels" (list . (.Values.podLabels | default dict)) | nindent 4 }}
  annotations:
    {{- merge (deepCopy (.Values.podAnnotations | default dict)) (ternary $checksum dict .Values.restartOnConfigChange) $container | toYaml | nindent 4 }}
spec:
  {{- include "frs-exporter.podSpec" . | nindent 2 }}
{{- end -}}

{{- define "frs-exporter.image" -}}
{{- $image := .Values.image -}}
{{- $tag := printf ":%s" ($image.tag | default .Chart.AppVersion) -}}
{{- with .Values.global.imageRegistry | default $image.registry }}{{ . }}/{{ end -}}
{{- $image.repository }}{{ ternary $tag (printf "@%s" $image.digest) (empty $image.digest) -}}
{{- end -}}

{{/* What says where a pod runs, and as whom. */}}
{{- define "frs-exporter.placement" -}}
{{- $security := dict "securityContext" .Values.podSecurityContext -}}
{{- $secrets := dict "imagePullSecrets" (concat (.Values.global.imagePullSecrets | default list) (.Values.imagePullSecrets | default list)) -}}
{{- $given := pick .Values "nodeSelector" "tolerations" "affinity" "priorityClassName" | merge $security $secrets -}}
{{- range $key, $value := $given }}
{{- with $value }}
{{ $key }}:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "frs-exporter.podSpec" -}}
serviceAccountName: {{ include "frs-exporter.serviceAccountName" . }}
automountServiceAccountToken: false
enableServiceLinks: false
terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
{{- with .Values.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- include "frs-exporter.placement" . }}
containers:
  - {{ include "frs-exporter.container" . | nindent 4 | trim }}
  {{- with .Values.extraContainers }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
volumes:
  - name: config
    configMap:
      name: {{ include "frs-exporter.configMapName" . }}
  - name: secrets
    secret:
      secretName: {{ include "frs-exporter.secretName" . }}
      # If it is not, the pod waits until there is such a Secret.
      optional: {{ .Values.secretOptional }}
      defaultMode: 0440
  - name: state
    {{- with .Values.state.existingClaim }}
    persistentVolumeClaim:
      claimName: {{ . }}
    {{- else }}
    emptyDir:
      sizeLimit: 64Mi
    {{- end }}
  {{- with .Values.webConfig.existingSecret }}
  - name: web
    secret:
      secretName: {{ . }}
      defaultMode: 0440
  {{- end }}
  {{- with .Values.extraVolumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .Values.extraPodSpec }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "frs-exporter.container" -}}
name: frs-exporter
image: {{ include "frs-exporter.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
args:
  - --config.file=/etc/frs-exporter/config/config.yaml
  - --web.listen-address=:{{ .Values.service.port }}
  - --log.level={{ .Values.logLevel }}
  - --log.format={{ .Values.logFormat }}
  {{- if .Values.webConfig.existingSecret }}
  - --web.config.file=/etc/frs-exporter/web/{{ .Values.webConfig.key }}
  {{- end }}
  {{- with .Values.externalUrl }}
  - --web.external-url={{ . }}
  {{- end }}
  {{- with .Values.routePrefix }}
  - --web.route-prefix={{ . }}
  {{- end }}
  {{- with .Values.extraArgs }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
env:
  {{- if gt (int .Values.shards) 1 }}
  - name: FRS_TOTAL_SHARDS
    value: {{ .Values.shards | quote }}
  # The pod's name ends in the number of the shard.
  - name: FRS_SHARD
    valueFrom:
      fieldRef:
        fieldPath: metadata.name
  {{- end }}
  # For a `check` within the pod, too.
  - name: FRS_CONFIG_FILE
    value: /etc/frs-exporter/config/config.yaml
  # A folder that it makes for itself: everybody may change what is in an emptyDir, of which it would warn.
  - name: STATE_DIRECTORY
    value: /var/lib/frs-exporter/state
  {{- with .Values.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .Values.envFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
ports:
  - name: http-metrics
    containerPort: {{ .Values.service.port }}
    protocol: TCP
{{- range $name, $path := dict "startup" "/-/healthy" "liveness" "/-/healthy" "readiness" "/-/ready" }}
{{- with get $.Values.probes $name }}
{{ $name }}Probe:
  {{- include "frs-exporter.probe" (list $ . $path) | nindent 2 }}
{{- end }}
{{- end }}
{{- with .Values.resources }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.securityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
# Whole folders beside each other, never subPath: what is mounted by subPath does not change any more.
volumeMounts:
  - name: config
    mountPath: /etc/frs-exporter/config
    readOnly: true
  - name: secrets
    mountPath: /etc/frs-exporter/secrets
    readOnly: true
  - name: state
    mountPath: /var/lib/frs-exporter
  {{- if .Values.webConfig.existingSecret }}
  - name: web
    mountPath: /etc/frs-exporter/web
    readOnly: true
  {{- end }}
  {{- with .Values.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

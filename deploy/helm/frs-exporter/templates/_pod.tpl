{{/* The pod: its spec, and the container. */}}

{{- define "frs-exporter.podSpec" -}}
serviceAccountName: {{ include "frs-exporter.serviceAccountName" . }}
automountServiceAccountToken: false
enableServiceLinks: false
terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
{{- $given := list "imagePullSecrets" "nodeSelector" "tolerations" "affinity" "topologySpreadConstraints" "priorityClassName" }}
{{- range $key := $given }}
{{- with get $.Values $key }}
{{ $key }}:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- with .Values.podSecurityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
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
{{- $image := .Values.image -}}
name: frs-exporter
{{- if $image.digest }}
image: {{ $image.repository }}@{{ $image.digest }}
{{- else }}
image: {{ $image.repository }}:{{ $image.tag | default .Chart.AppVersion }}
{{- end }}
imagePullPolicy: {{ $image.pullPolicy }}
args:
  - --config.file=/etc/frs-exporter/config/config.yaml
  - --web.listen-address=:{{ .Values.service.port }}
  - --log.level={{ .Values.logLevel }}
  - --log.format={{ .Values.logFormat }}
  {{- if .Values.webConfig.existingSecret }}
  - --web.config.file=/etc/frs-exporter/web/{{ .Values.webConfig.key }}
  {{- end }}
  {{- with include "frs-exporter.prefix" . }}
  - --web.route-prefix={{ . }}
  {{- end }}
  {{- with .Values.extraArgs }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
env:
  - name: FRS_TOTAL_SHARDS
    value: {{ .Values.shards | quote }}
  # The pod's name ends in the number of the shard.
  - name: FRS_SHARD
    valueFrom:
      fieldRef:
        fieldPath: metadata.name
  # For a `check` within the pod, too.
  - name: FRS_CONFIG_FILE
    value: /etc/frs-exporter/config/config.yaml
  - name: STATE_DIRECTORY
    value: /var/lib/frs-exporter
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

{{/* The chart's name, or what replaces it. */}}
{{- define "aibom.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* The name of what is made: a DNS label of at most 63 characters. */}}
{{- define "aibom.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "aibom.name" . -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The full name with room for 13 more characters: Jobs and dashboards have a suffix. */}}
{{- define "aibom.shortname" -}}
{{- include "aibom.fullname" . | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "aibom.selectorLabels" -}}
app.kubernetes.io/name: {{ include "aibom.name" . }}
app.kubernetes.io/instance: {{ .Release.Name | trunc 63 | trimSuffix "-" }}
{{- end -}}

{{- define "aibom.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "aibom.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | replace "+" "_" | quote }}
app.kubernetes.io/part-of: aibom
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Labels of pods, without versions: these would replace every pod for a change of the chart. */}}
{{- define "aibom.podLabels" -}}
{{ include "aibom.selectorLabels" . }}
app.kubernetes.io/part-of: aibom
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- with .Values.podLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "aibom.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "aibom.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "aibom.image" -}}
{{- $repository := required "image.repository: say where the image is (see docs/deployment.md)" .Values.image.repository -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" $repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" $repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{/* Secrets for registries, of this chart and of charts above it: names or objects with a name. */}}
{{- define "aibom.imagePullSecrets" -}}
{{- $names := list -}}
{{- range concat .Values.global.imagePullSecrets .Values.imagePullSecrets -}}
{{- $names = append $names (kindIs "map" . | ternary (get (kindIs "map" . | ternary . dict) "name") .) -}}
{{- end -}}
{{- with uniq $names -}}
imagePullSecrets:
{{- range . }}
  - name: {{ . }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Whether SYS_ADMIN is needed: file events; other network namespaces. "true" or empty. */}}
{{- define "aibom.admin" -}}
{{- $sensors := default dict .Values.config.sensors -}}
{{- if or (eq .Values.level "events") $sensors.names $sensors.mcp_ask -}}true{{- end -}}
{{- end -}}

{{/* Whether the host's tracefs has to be mounted: with SYS_ADMIN the agent makes its own mount. */}}
{{- define "aibom.tracefs" -}}
{{- $sensors := default dict .Values.config.sensors -}}
{{- if and $sensors.requests (not (include "aibom.admin" .)) -}}true{{- end -}}
{{- end -}}

{{/*
What the level and the settings need, as a YAML list: see "Levels" in docs/deployment.md.
NET_ADMIN is for process events on kernels before 6.6.
*/}}
{{- define "aibom.capabilities" -}}
{{- $sensors := default dict .Values.config.sensors -}}
{{- $needed := list "DAC_READ_SEARCH" "SYS_PTRACE" -}}
{{- $needed = append $needed (ternary "SYS_ADMIN" "CHECKPOINT_RESTORE" (not (empty (include "aibom.admin" .)))) -}}
{{- if eq .Values.level "events" -}}
{{- $needed = append $needed "NET_ADMIN" -}}
{{- end -}}
{{- if $sensors.names -}}
{{- $needed = append $needed "NET_RAW" -}}
{{- end -}}
{{- if include "aibom.tracefs" . -}}
{{- $needed = append $needed "PERFMON" -}}
{{- end -}}
{{- concat $needed .Values.securityContext.extraCapabilities | uniq | sortAlpha | toYaml -}}
{{- end -}}

{{/* The settings that go into the file: those that the chart sets itself may not be in it. */}}
{{- define "aibom.config" -}}
{{- range list "output" "state" "listen" -}}
{{- if hasKey $.Values.config . -}}
{{- fail (printf "config.%s: the chart sets it, see hostPaths and listen" .) -}}
{{- end -}}
{{- end -}}
{{- toYaml .Values.config -}}
{{- end -}}

{{/* The security context of a container. Call it with a dict: root, capabilities (a YAML list). */}}
{{- define "aibom.securityContext" -}}
# only root keeps capabilities through an exec without new privileges; it has none but these
runAsUser: 0
runAsGroup: 0
runAsNonRoot: false
privileged: false
allowPrivilegeEscalation: {{ .root.Values.securityContext.allowPrivilegeEscalation }}
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
  add:
    {{- .capabilities | nindent 4 }}
{{- with .root.Values.securityContext.seccompProfile }}
seccompProfile:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if semverCompare ">=1.30.0-0" .root.Capabilities.KubeVersion.Version }}
{{- with .root.Values.securityContext.appArmorProfile }}
appArmorProfile:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- with .root.Values.securityContext.seLinuxOptions }}
seLinuxOptions:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/*
The annotation that clusters before 1.30 take for AppArmor. Call it with a dict: root, container.
*/}}
{{- define "aibom.appArmorAnnotation" -}}
{{- with .root.Values.securityContext.appArmorProfile -}}
{{- if semverCompare "<1.30.0-0" $.root.Capabilities.KubeVersion.Version -}}
{{- $profiles := dict "Unconfined" "unconfined" "RuntimeDefault" "runtime/default" "Localhost" (printf "localhost/%s" .localhostProfile) -}}
container.apparmor.security.beta.kubernetes.io/{{ $.container }}: {{ get $profiles .type }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Names and labels that every template uses. */}}
{{- define "poolkeeper.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{/* The prefix of all names: the release's, with the chart's unless it has it already. */}}
{{- define "poolkeeper.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains (include "poolkeeper.name" .) .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "poolkeeper.name" .) | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Cluster-scoped objects of two releases must not be the same. */}}
{{- define "poolkeeper.clusterName" -}}
{{- if eq .Release.Namespace "poolkeeper-system" -}}
{{- include "poolkeeper.fullname" . -}}
{{- else -}}
{{- printf "%s-%s" .Release.Namespace (include "poolkeeper.fullname" .) | trunc 60 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "poolkeeper.selectorLabels" -}}
app.kubernetes.io/name: {{ include "poolkeeper.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "poolkeeper.labels" -}}
{{- with .component -}}
{{ include "poolkeeper.selectorLabels" $ }}
{{- else -}}
app.kubernetes.io/name: {{ include "poolkeeper.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: poolkeeper
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "poolkeeper.image" -}}
{{- if .image.digest -}}
{{ .image.repository }}@{{ .image.digest }}
{{- else -}}
{{ .image.repository }}:{{ .image.tag | default .root.Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- define "poolkeeper.controllerName" -}}
{{- printf "%s-controller" (include "poolkeeper.fullname" .) -}}
{{- end -}}
{{- define "poolkeeper.agentName" -}}
{{- printf "%s-agent" (include "poolkeeper.fullname" .) -}}
{{- end -}}

{{/* Of a CustomResourceDefinition: kept when the release goes, so that nobody's pools go with it. */}}
{{- define "poolkeeper.crdAnnotations" -}}
{{- if .Values.crds.keep -}}
helm.sh/resource-policy: keep
{{- else -}}
{}
{{- end -}}
{{- end -}}

{{/* A map without what is empty or false, so that defaults of the program stay its own. */}}
{{- define "poolkeeper.settings" -}}
{{- $settings := dict -}}
{{- range $name, $value := . -}}
{{- if $value -}}{{- $_ := set $settings $name $value -}}{{- end -}}
{{- end -}}
{{- toYaml $settings -}}
{{- end -}}

{{/* Whether agents are there to ask for credentials, and allowed to: empty when not. */}}
{{- define "poolkeeper.handsOutCredentials" -}}
{{- if and .Values.agent.enabled .Values.credentials.enabled -}}yes{{- end -}}
{{- end -}}
{{- define "poolkeeper.credentialsName" -}}
{{- printf "%s-credentials" (include "poolkeeper.fullname" .) -}}
{{- end -}}
{{- define "poolkeeper.credentialsSecret" -}}
{{- .Values.credentials.tls.existingSecret | default (printf "%s-tls" (include "poolkeeper.credentialsName" .)) -}}
{{- end -}}

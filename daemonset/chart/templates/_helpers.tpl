{{- /* SPDX-License-Identifier: Apache-2.0 */ -}}
{{- define "vakt.labels" -}}
app.kubernetes.io/name: vakt
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- end }}

{{- define "vakt.selector" -}}
app.kubernetes.io/name: vakt
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "vakt.metadata" -}}
name: {{ .name }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "vakt.labels" . | nindent 2 }}
{{- end }}

{{- define "vakt.image" -}}
{{- $image := .image -}}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ $image.tag | default .root.Chart.AppVersion }}
{{- end -}}
{{- end }}

{{- define "vakt.collectorName" -}}
vakt-collector.{{ .Release.Namespace }}.svc
{{- end }}

{{- define "vakt.agentConfig" -}}
{{- $collectors := .Values.agent.collectors -}}
{{- if and (not $collectors) .Values.collector.enabled -}}
{{- $collectors = list (printf "%s:7443" (include "vakt.collectorName" .)) -}}
{{- end -}}
{{- $sockets := list -}}
{{- with .Values.agent.runtimeDirectory -}}
{{- $sockets = list (printf "%s/containerd.sock" .) (printf "%s/crio.sock" .) -}}
{{- end -}}
{{- $config := dict
  "rules" (dict "paths" (list "/usr/share/vakt/rules" "/etc/vakt/rules"))
  "containers" (dict "runtime" $sockets)
  "collector" (dict "address" $collectors)
  "tls" (dict "ca" (printf "/etc/vakt/tls/%s" (ternary "ca.pem" "ca.crt" (eq .Values.agent.tls.source "host")))
              "cert" (printf "/etc/vakt/tls/%s" (ternary "agent.pem" "tls.crt" (eq .Values.agent.tls.source "host")))
              "key" (printf "/etc/vakt/tls/%s" (ternary "agent.key" "tls.key" (eq .Values.agent.tls.source "host"))))
  "state" (dict "dir" "/var/lib/vakt/agent")
  "health" (dict "listen" (printf "%s:7444" .Values.listenAddress))
  "metrics" (dict "listen" (printf "%s:7445" .Values.listenAddress))
  "log" (dict "format" "json")
-}}
{{- if .Values.agent.pinDirectory -}}
{{- $_ := set $config "sensor" (dict "pin" "/var/lib/vakt/pins") -}}
{{- end -}}
{{- $databases := .Values.agent.networkDatabases -}}
{{- if $databases.hostPath -}}
{{- $flows := dict -}}
{{- with $databases.countries -}}
{{- $_ := set $flows "country_database" (printf "/etc/vakt/databases/%s" .) -}}
{{- end -}}
{{- with $databases.systems -}}
{{- $_ := set $flows "asn_database" (printf "/etc/vakt/databases/%s" .) -}}
{{- end -}}
{{- $_ := set $config "flows" $flows -}}
{{- end -}}
{{- toYaml (mergeOverwrite $config (deepCopy .Values.agent.config)) -}}
{{- end }}

{{- define "vakt.collectorConfig" -}}
{{- $config := dict
  "listen" (dict "address" (printf "%s:7443" .Values.listenAddress))
  "store" (dict "dir" "/var/lib/vakt/collector")
  "tls" (dict "ca" "/etc/vakt/tls/ca.crt" "cert" "/etc/vakt/tls/tls.crt" "key" "/etc/vakt/tls/tls.key")
  "metrics" (dict "listen" (printf "%s:7445" .Values.listenAddress))
  "log" (dict "format" "json")
-}}
{{- if .Values.collector.kubernetesApi.enabled -}}
{{- $_ := set $config "kubernetes" (dict "api" .Values.collector.kubernetesApi.url) -}}
{{- end -}}
{{- if .Values.collector.tokensSecretName -}}
{{- $_ := set $config "access" (dict "token_file" "/etc/vakt/tokens/tokens.txt") -}}
{{- end -}}
{{- toYaml (mergeOverwrite $config (deepCopy .Values.collector.config)) -}}
{{- end }}

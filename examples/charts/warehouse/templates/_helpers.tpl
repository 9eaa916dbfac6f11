{{- define "warehouse.selectorLabels" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "warehouse.labels" -}}
{{ include "warehouse.selectorLabels" . }}
app.kubernetes.io/version: {{ .root.Values.image.tag | default .root.Chart.AppVersion | quote }}
{{- end }}

{{- define "warehouse.container" -}}
image: "{{ .root.Values.image.repository }}:{{ .root.Values.image.tag | default .root.Chart.AppVersion }}"
args: [{{ .component | quote }}]
env:
  - name: DATABASE_HOST
    value: {{ .root.Values.database.host | quote }}
  - name: DATABASE_NAME
    value: {{ .root.Values.database.name | quote }}
  - name: DATABASE_USER
    valueFrom:
      secretKeyRef: {name: {{ .root.Values.database.existingSecret | quote }}, key: username}
  - name: DATABASE_PASSWORD
    valueFrom:
      secretKeyRef: {name: {{ .root.Values.database.existingSecret | quote }}, key: password}
{{- end }}

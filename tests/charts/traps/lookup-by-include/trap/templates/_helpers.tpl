{{- define "web.password" -}}
{{- with lookup "v1" "Secret" .Release.Namespace "web" }}{{ .data.password }}{{ else }}{{ .Values.password | b64enc }}{{ end }}
{{- end }}

"""What the frozen chart looks up in the cluster before Helm changes anything, and refuses: text of its template.

Helm applies a release object by object: what cannot be applied it notices half-way, and what it takes back may be more
than it brought. The looks need no right that Helm itself does not need, but one: to list the namespace's claims while
`adopt` is set. Where Helm cannot look (`helm template`, a dry run), nothing is refused. tests/lab/test_adoption.py and
tests/lab/test_fixed_fields.py meet each refusal, and follow its words.
"""

#: Kubernetes' own: other kinds may not be there yet, and a look at them would fail.
_BUILT_IN = (
    "v1",
    "apps/v1",
    "autoscaling/v2",
    "batch/v1",
    "networking.k8s.io/v1",
    "policy/v1",
    "rbac.authorization.k8s.io/v1",
)
#: Kinds with a field that never changes in an object that is there (kubernetes pkg/apis/*/validation, the functions
#: Validate*Update, at 1.34).
_FIXED = (
    "ClusterRoleBinding",
    "DaemonSet",
    "Deployment",
    "Job",
    "PersistentVolumeClaim",
    "RoleBinding",
    "Service",
    "StatefulSet",
)


#: What ends the name of the ConfigMap by which a delivery says that it would delete the objects; see plan.delivery.
MARK = "-delivered-by-hakit"


def mark_of(release: str) -> str:
    """Name of the ConfigMap that says who would delete a release's objects."""
    return release + MARK


def _listed(words: tuple[str, ...]) -> str:
    return "(list " + " ".join(f'"{word}"' for word in words) + ")"


# An atomic install that fails is uninstalled, and with it goes what it took over: objects that carry the release's
# labels, and ran before (helm pkg/action: install.go, failRelease; validate.go, existingResourceConflict). So nothing
# is taken over unless it was asked for; with `adopt: objects` the install is not atomic.
_MAIN = """
{{- define "hakit.guards" }}
{{- $mark := lookup "v1" "ConfigMap" .Release.Namespace (printf "%s<MARK>" .Release.Name) }}
{{- if eq (dig "data" "delivery" "" $mark) "objects" }}
{{- fail "delivery: the objects of this application are resources of their own in a Pulumi stack, which would delete \
them now. Nothing has been changed. Let it go first: `leave`, see docs/adoption.md (Another delivery)" }}
{{- end }}
{{- $there := list }}
{{- $fixed := list }}
{{- range .Values.objects }}
{{- $annotations := .metadata.annotations | default dict }}
{{- $namespace := .metadata.namespace | default $.Release.Namespace }}
{{- $looks := and (or $.Release.IsInstall (has .kind <FIXED>)) (has .apiVersion <BUILT_IN>) }}
{{- if and $looks (not (hasKey $annotations "helm.sh/hook")) }}
{{- $live := lookup .apiVersion .kind $namespace .metadata.name }}
{{- if $live }}
{{- $id := printf "%s/%s" .kind .metadata.name }}
{{- $kept := eq (get $annotations "helm.sh/resource-policy") "keep" }}
{{- if and $.Release.IsInstall (not $.Values.adopt) (not $kept) }}
{{- $there = append $there $id }}
{{- end }}
{{- with include "hakit.fixed" (list . $live $namespace) | trim }}
{{- $fixed = append $fixed (printf "%s: %s" $id (. | replace "\\n" ", ")) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- with $there }}
{{- printf "already there, and of no release of this name: %s. Nothing has been changed. If they are this \
application's, take them over: `adopt`, see docs/adoption.md. If not, give another name or namespace" \
(join ", " .) | fail }}
{{- end }}
{{- with $fixed }}
{{- printf "what is there cannot be changed like this, and Helm would stop half-way. Nothing has been changed. %s" \
(join "; " .) | fail }}
{{- end }}
{{- if .Values.adopt }}{{ include "hakit.refuse-lost-claims" . }}{{ end }}
{{- end }}
"""

# Helm deletes what its last revision had and the next has not, unless the object itself says "keep" (kube/client.go).
_CLAIMS = """
{{- define "hakit.refuse-lost-claims" }}
{{- $has := list }}
{{- range .Values.objects }}
{{- if eq .kind "PersistentVolumeClaim" }}{{ $has = append $has .metadata.name }}{{ end }}
{{- end }}
{{- range (lookup "v1" "PersistentVolumeClaim" .Release.Namespace "").items }}
{{- $annotations := .metadata.annotations | default dict }}
{{- $own := eq (get $annotations "meta.helm.sh/release-name") $.Release.Name }}
{{- $kept := eq (get $annotations "helm.sh/resource-policy") "keep" }}
{{- if and $own (not $kept) (not (has .metadata.name $has)) }}
{{- printf "PersistentVolumeClaim/%s belongs to the release, and what is deployed now has no such claim: Helm would \
delete it. Nothing has been changed. Keep it: kubectl --namespace %s annotate persistentvolumeclaim %s \
helm.sh/resource-policy=keep" .metadata.name $.Release.Namespace .metadata.name | fail }}
{{- end }}
{{- end }}
{{- end }}
"""

# One line for each field that would change, the last one with the way out.
_FIELDS = """
{{- define "hakit.fixed" }}
{{- $object := index . 0 }}
{{- $kubectl := printf "kubectl --namespace %s delete %s %s" (index . 2) (lower $object.kind) $object.metadata.name }}
{{- $spec := $object.spec | default dict }}
{{- $was := (index . 1).spec | default dict }}
{{- if has $object.kind (list "Deployment" "StatefulSet" "DaemonSet") }}
{{- if ne (include "hakit.selector" $spec) (include "hakit.selector" $was) }}
spec.selector (give the chart the names and labels that it had; or, when its pods may go: {{ $kubectl }})
{{- end }}
{{- end }}
{{- if eq $object.kind "StatefulSet" }}
{{- $fields := list }}
{{- if ne ($spec.serviceName | default "") ($was.serviceName | default "") }}
{{- $fields = append $fields "spec.serviceName" }}
{{- end }}
{{- if ne ($spec.podManagementPolicy | default "OrderedReady") ($was.podManagementPolicy | default "OrderedReady") }}
{{- $fields = append $fields "spec.podManagementPolicy" }}
{{- end }}
{{- if ne (include "hakit.claims" $spec) (include "hakit.claims" $was) }}
{{- $fields = append $fields "spec.volumeClaimTemplates" }}
{{- end }}
{{- with $fields }}
{{ join ", " . }} (pods and claims stay, and the claims as they are: {{ $kubectl }} --cascade=orphan, and deploy again)
{{- end }}
{{- end }}
{{- if and (eq $object.kind "Job") (ne (include "hakit.runs" $spec) (include "hakit.runs" $was)) }}
spec.template (to run it again: {{ $kubectl }}, and deploy again)
{{- end }}
{{- if eq $object.kind "PersistentVolumeClaim" }}
{{- range $field := list "storageClassName" "accessModes" "volumeName" }}
{{- if and (get $spec $field) (ne (get $spec $field | toJson) (get $was $field | toJson)) }}
spec.{{ $field }} (leave it as it is: {{ get $was $field | toJson }}; or a claim of another name, and copy the data)
{{- end }}
{{- end }}
{{- end }}
{{- if hasSuffix "RoleBinding" $object.kind }}
{{- $names := list ($object.roleRef | default dict) ((index . 1).roleRef | default dict) }}
{{- range $key := list "kind" "name" }}
{{- if ne (get (first $names) $key) (get (last $names) $key) }}
roleRef.{{ $key }} (its subjects lose the old role: {{ $kubectl }}, and deploy again)
{{- end }}
{{- end }}
{{- end }}
{{- if eq $object.kind "Service" }}
{{- $external := or (eq ($spec.type | default "") "ExternalName") (eq ($was.type | default "") "ExternalName") }}
{{- $headless := eq ($spec.clusterIP | default "") "None" }}
{{- if and (not $external) (ne $headless (eq ($was.clusterIP | default "") "None")) }}
spec.clusterIP (nobody reaches it for a moment: {{ $kubectl }}, and deploy again)
{{- end }}
{{- end }}
{{- end }}

{{- define "hakit.selector" }}
{{- $selector := .selector | default dict }}
{{- $selector.matchLabels | default dict | toJson }} {{ $selector.matchExpressions | default list | toJson }}
{{- end }}

{{- define "hakit.claims" }}
{{- range .volumeClaimTemplates }}
{{- $claim := .spec | default dict }}
{{- $size := (($claim.resources | default dict).requests | default dict).storage }}
{{ .metadata.name }} {{ toJson $claim.accessModes }} {{ toJson $claim.storageClassName }}
{{- $claim.volumeMode | default "Filesystem" }} {{ include "hakit.bytes" $size }}
{{- end }}
{{- end }}

{{- define "hakit.bytes" }}
{{- $text := kindIs "string" . | ternary (toString .) (float64 . | printf "%.0f") }}
{{- $number := regexFind "^[0-9]+([.][0-9]+)?" $text }}
{{- $decimal := dict "" 1 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 }}
{{- $binary := dict "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 }}
{{- $factor := get (merge $decimal $binary) (trimPrefix $number $text) }}
{{- if and $number $factor }}{{ mulf (float64 $number) $factor | printf "%.0f" }}{{ else }}{{ $text }}{{ end }}
{{- end }}

{{- define "hakit.runs" }}
{{- $pod := ((.template | default dict).spec | default dict) }}
{{- range concat ($pod.initContainers | default list) ($pod.containers | default list) }}
{{ .name }} {{ .image }} {{ .command | default list | toJson }} {{ .args | default list | toJson }}
{{- end }}
{{- end }}
"""

GUARDS = (
    (_MAIN + _CLAIMS + _FIELDS)
    .replace("<FIXED>", _listed(_FIXED))
    .replace("<BUILT_IN>", _listed(_BUILT_IN))
    .replace("<MARK>", MARK)
)

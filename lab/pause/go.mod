// What holds a pod's namespaces open, as Kubernetes' own pause image does.
module hakit/lab/pause

go 1.24

"""The part of the catalogue about live clusters: what `hakit preflight` finds."""

from hakit.rule import Rule, Severity

_E, _W = Severity.ERROR, Severity.WARNING

LIVE: tuple[Rule, ...] = (
    Rule(
        "HK100",
        _E,
        "a region does not answer",
        "Its API server is down or out of reach, or the kubeconfig's context is wrong or lets nobody in. Nothing can be "
        "deployed there, and nothing else is known about it.",
        "mend the context or the way to the cluster; of a region that is lost, see docs/interrupted.md",
    ),
    Rule(
        "HK101",
        _E,
        "the cluster does not have a kind that the stacks deploy",
        "The CustomResourceDefinition is missing, or the cluster is too old for the kind: `pulumi up` fails half-way.",
        "install the operator that brings it, or upgrade the cluster, before the first deployment",
    ),
    Rule(
        "HK102",
        _E,
        "an operator that the databases need is missing, too old, or does not run",
        "Handovers rest on fields and fixes of CloudNativePG 1.30 and of its Barman Cloud plugin 0.14; other databases take "
        "other operators. An older one drops what it does not know, and one that does not run does nothing at a failover.",
        "install the operator at this version or a newer one",
    ),
    Rule(
        "HK103",
        _E,
        "a node without a zone",
        "Pods on a node without the label topology.kubernetes.io/zone count for no zone: neither spread nor the loss of a "
        "zone means anything for them.",
        "label the node; a cloud's controller does so by itself when it is allowed to",
    ),
    Rule(
        "HK104",
        _E,
        "a declared zone without a node that takes pods",
        "Everything that is computed from the number of zones is wrong: replicas gather in fewer zones, and a rule over "
        "zones leaves pods without a place.",
        "give the zone nodes, or declare the zones that there are",
    ),
    Rule(
        "HK105",
        _W,
        "nodes in a zone that is not declared",
        "Kubernetes spreads pods over it as well, while the topology counts without it.",
        "declare the zone, or move the nodes",
    ),
    Rule(
        "HK106",
        _E,
        "volumes of a storage class that there is not",
        "Their claims wait for ever, and so do the pods.",
        "create the storage class, or name another in the topology's `storage`",
    ),
    Rule(
        "HK107",
        _W,
        "no default storage class, or more than one",
        "A claim that names no class waits for ever where there is no default; of several, Kubernetes takes the newest, so "
        "that a class which somebody adds changes where data goes.",
        'annotate exactly one with storageclass.kubernetes.io/is-default-class: "true"',
    ),
    Rule(
        "HK108",
        _W,
        "volumes are made before their pods have a zone",
        "With volumeBindingMode Immediate a volume appears in any zone, and its pod has to go there: the spread over zones "
        "is lost, and where that zone has no room the pod never runs.",
        "use a class with volumeBindingMode: WaitForFirstConsumer",
    ),
    Rule(
        "HK109",
        _E,
        "not allowed to do what the stacks do",
        "Whoever asked, by the context of the topology, lacks rights for it: `pulumi up` fails half-way.",
        "grant the rights, or ask with the identity that deploys",
    ),
    Rule(
        "HK110",
        _E,
        "no room for what the stacks ask",
        "Pods stay pending. Room is what ready nodes without taints have left beside the pods of others.",
        "add nodes or lower requests; where an autoscaler adds nodes by itself, accept the finding with its limit as the "
        "reason",
    ),
    Rule(
        "HK111",
        _W,
        "no room for everything with one zone lost",
        "What the lost zone ran finds no place in the others: `needs` holds, no more, until nodes are added, while everybody "
        "else in the zones that are left asks for nodes too.",
        "keep as much room in each zone as the largest one's share, or accept the finding with the autoscaler's limit, or "
        "the reserved capacity, as the reason",
    ),
    Rule(
        "HK112",
        _W,
        "no room for what a failover would bring here",
        "After a failover the standby runs the active size. When a whole region is lost, everybody asks the remaining ones "
        "for machines; what is not reserved may not be had.",
        "keep the room, or reserve it with the cloud, and accept the finding with that as the reason",
    ),
    Rule(
        "HK113",
        _E,
        "the cluster is older than the topology says",
        "hakit sets the fields that the declared version has; an older API server drops or refuses them.",
        "upgrade the cluster, or declare the version that it has",
    ),
    Rule(
        "HK114",
        _W,
        "the cluster is newer than the topology says",
        "Charts are rendered and checked for another version than the one that runs them.",
        "declare the version that it has",
    ),
    Rule(
        "HK115",
        _E,
        "databases without the guard against old checkouts",
        "The admission policies that refuse an old checkout, or what puts them in force, are missing or changed: a `pulumi "
        "up` from before a failover would make a second primary.",
        "run `pulumi up` of the region's stack, from the newest commit",
    ),
    Rule(
        "HK116",
        _E,
        "databases without hakit's namespace",
        "The namespace holds the records of how far each database has come. Without them the guard lets nothing through, or "
        "does not know what is old.",
        "run `pulumi up` of the region's stack, from the newest commit",
    ),
    Rule(
        "HK117",
        _W,
        "a namespace's pod security is not the declared one",
        "A stricter level refuses pods that the program deploys; a laxer one lets in what it was declared to refuse.",
        "run `pulumi up`, or declare the level in RegionBase's `namespaces`",
    ),
    Rule(
        "HK118",
        _E,
        "a certificate that is not valid now",
        "Clients refuse it: the service is down for them, whatever its pods say.",
        "renew it",
    ),
    Rule(
        "HK119",
        _W,
        "a certificate that ends soon, and was not renewed",
        "cert-manager renews when a third of the life is left, CloudNativePG seven days before the end. One that is later "
        "than that is not being renewed, and nobody notices in a region without users.",
        "look at what should renew it; in a standby, DNS-01 is the challenge that works",
    ),
    Rule(
        "HK120",
        _W,
        "a host that shows no certificate",
        "Nothing was read from it in time: it does not answer, or does not speak TLS.",
        "look at the name, the port and the load balancer",
    ),
    Rule(
        "HK121",
        _E,
        "a quota without room for what the stacks ask in its namespace",
        "A ResourceQuota refuses pods as they are made. One that is filled by what runs stops a rollout, whose new pods stand "
        "beside the old ones; one that fits a standby stops the failover.",
        "raise the quota to what the active side asks and a rollout adds, the same in every region",
    ),
    Rule(
        "HK122",
        _E,
        "a restore to a moment that no backup covers",
        "Recovery begins with a base backup that ended before the moment. Without one CloudNativePG tries for ever, and "
        "nothing serves. What there is, each archive's ObjectStore says in the cluster that writes it.",
        "choose a moment within, or another region's archive, whose window may be another one",
    ),
)

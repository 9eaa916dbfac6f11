"""The part of the catalogue about running databases: what `hakit status` finds."""

from hakit.rule import Rule, Severity

_E, _W = Severity.ERROR, Severity.WARNING

STATUS: tuple[Rule, ...] = (
    Rule(
        "HK130",
        _E,
        "more than one copy of a database takes writes",
        "Each goes its own way from here on, and only one of them can be kept: every further write makes the loss larger.",
        "stop the one that the topology does not name: `pulumi up` of its region from the newest commit, or "
        "`kubectl cnpg fencing on <cluster> '*'` at once",
    ),
    Rule(
        "HK131",
        _E,
        "no copy of a database takes writes",
        "The application cannot write anywhere that was seen. A region that did not answer may have one.",
        "finish the handover that is under way; when the active region is lost, append a failover",
    ),
    Rule(
        "HK132",
        _E,
        "a region is further than this topology",
        "Somebody has applied a later list of handovers. The guard refuses what this checkout would deploy.",
        "use the newest commit",
    ),
    Rule(
        "HK133",
        _W,
        "a region has not applied the topology",
        "Its program was not run since an entry or a token was added, so the handover is not finished there.",
        "run `pulumi up` of the region's stack",
    ),
    Rule(
        "HK134",
        _E,
        "a promotion token that does not belong there",
        "CloudNativePG waits for the position that a token names. One of another handover is never reached, or lets a copy "
        "be promoted that lacks rows; one on a replica makes the next demotion fail.",
        "run `pulumi up` of the region's stack from the newest commit",
    ),
    Rule(
        "HK135",
        _E,
        "a database's role is not the declared one",
        "At the same epoch the cluster names another primary than the topology: somebody changed it by hand.",
        "run `pulumi up` of the region's stack; `pulumi refresh` first shows what was changed",
    ),
    Rule(
        "HK136",
        _E,
        "a declared copy is not there",
        "A failover to this region would have nothing to promote.",
        "run `pulumi up` of the region's stack; a copy that was lost needs a rebuild entry",
    ),
    Rule(
        "HK137",
        _E,
        "a copy is further behind than may be lost",
        "A failover to it now would lose more than the recovery point objective allows.",
        "look at the way between the regions and at what the copy waits for; until then do not fail over to it",
    ),
    Rule(
        "HK138",
        _E,
        "WAL is not archived",
        "The last try failed, and none has worked since. Backups cannot be restored beyond that moment, copies that read "
        "the archive stand still, and the primary's volume fills.",
        "look at the instance's log; it is the bucket, the role or the way to it",
    ),
    Rule(
        "HK139",
        _W,
        "a database's state is not whole, or not to be seen",
        "Instances are missing, or somebody was not allowed to ask them.",
        "look at its pods: kubectl get pods -l cnpg.io/cluster=<cluster>; `hakit status` needs to list Clusters, "
        "ObjectStores, CronJobs and ConfigMaps, and to get pods/proxy",
    ),
    Rule(
        "HK140",
        _E,
        "the copy that is to take writes is fenced",
        "PostgreSQL is stopped there until the fence is lifted: by the region's own fence, when the witness names this "
        "copy, or by a person.",
        "look at the witness (`hakit witness show`), and lift what a person has fenced",
    ),
    Rule(
        "HK141",
        _E,
        "the last restore of a backup failed",
        "A RestoreCheck's last run ended in something else than a proof. Until it is known why, count on there being no "
        "backup.",
        "its word is in docs/restore-check.md; `hakit verify-backup` tries it again at once",
    ),
    Rule(
        "HK142",
        _W,
        "no restore of a backup has been proven lately",
        "A RestoreCheck has had no success for one and a half times the longest time between two of its runs, the limit of "
        "HaRestoreCheckTooOld. Nobody knows whether the backups can be restored.",
        "look at its CronJob, whether it is suspended, and at its Jobs; `hakit verify-backup` tries it at once",
    ),
)

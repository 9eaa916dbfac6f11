"""The topology: what is declared about regions and pairs, and everything that follows from it alone.

`load` reads a file; `handovers` says what follows from a pair's list, `intents` what each region emits, `writing` who
may add to it, `fence` what a region may create, `turn` when it is fenced, `edit` changes the file, `names` and `schema`
serve every layer.
"""

from hakit.topology.copies import Copy as Copy
from hakit.topology.copies import Epoch as Epoch
from hakit.topology.copies import Witness as Witness
from hakit.topology.handovers import active_region as active_region
from hakit.topology.handovers import epoch as epoch
from hakit.topology.handovers import role as role
from hakit.topology.intents import ClusterIntent as ClusterIntent
from hakit.topology.intents import cluster_intent as cluster_intent
from hakit.topology.loading import TopologyError as TopologyError
from hakit.topology.loading import load as load
from hakit.topology.model import Handover as Handover
from hakit.topology.model import Pair as Pair
from hakit.topology.model import Region as Region
from hakit.topology.model import Topology as Topology

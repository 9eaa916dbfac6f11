"""Reading live clusters, bounded in time: a region that does not answer costs seconds, and no other region's answer.

`place_of` says where a topology's region is reached, `ask_all` asks several at once, `Reader` reads one.
Nothing here writes to a cluster, and nothing is printed.
"""

from hakit.observe.places import Place as Place
from hakit.observe.places import ask_all as ask_all
from hakit.observe.places import place_of as place_of
from hakit.observe.reader import Object as Object
from hakit.observe.reader import Reader as Reader
from hakit.observe.reader import RefusedError as RefusedError
from hakit.observe.reader import UnreachableError as UnreachableError
from hakit.observe.reader import kubectl as kubectl

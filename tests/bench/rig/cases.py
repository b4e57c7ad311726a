"""The ladder of rig A: what is measured, with which frames."""
import dataclasses

K4, K64, M1, M4 = 4096, 65536, 1048576, 4194304
LEAST_NEW = M1 # flows of a case whose fill is long enough to be a figure


@dataclasses.dataclass
class Case:
    name: str
    title: str
    flows: int = K64
    zipf: bool = False
    size: str = "64"
    services: int = 1
    quick: bool = False
    rounds: int = 0   # fewer than the others, where a round is long
    goal: str = ""    # the rows of rows.WANTED that it is for


LADDER = [
    Case("flows-1", "1 flow", 1),
    Case("flows-4k", "4,096 flows", K4, quick=True, goal="4k"),
    Case("flows-64k", "65,536 flows", K64, quick=True, goal="64k"),
    Case("flows-1m", "1,048,576 flows", M1, quick=True, goal="1m"),
    Case("flows-4m", "4,194,304 flows", M4, rounds=2),
    Case("zipf-64k", "65,536 flows, Zipf", K64, zipf=True),
    Case("zipf-1m", "1,048,576 flows, Zipf", M1, zipf=True, rounds=3),
    Case("size-256", "65,536 flows, 256 bytes", K64, size="256"),
    Case("size-1500", "65,536 flows, 1500 bytes", K64, size="1500"),
    Case("size-imix", "65,536 flows, IMIX", K64, size="imix"),
    Case("services-1k", "65,536 flows to 1,000 services", K64, services=1000),
    Case("services-100k", "1,048,576 flows to 100,000 services", M1, services=100000, rounds=2),
]

"""The two-region example that the tests of this folder start from."""

EXAMPLE = """\
name: shop
environment: prod
aws: {account: "111122223333", prefix: acme}
regions:
  us-east-1:
    zones: [us-east-1a, us-east-1b, us-east-1c]
    kubernetes: "1.34"
    cluster: {context: prod-use1, oidc_issuer: https://oidc.eks.us-east-1.amazonaws.com/id/AAAA}
    storage: {zonal: gp3, regional: efs-sc}
    serves: [ENAM, WNAM]
  us-west-2:
    zones: [us-west-2a, us-west-2b, us-west-2c]
    kubernetes: "1.34"
    cluster: {context: prod-usw2, oidc_issuer: https://oidc.eks.us-west-2.amazonaws.com/id/BBBB}
    storage: {zonal: gp3, regional: efs-sc}
pairs:
  shop:
    mode: active-passive
    founded: us-east-1
    databases: [orders]   # one for now
    objectives: {rto: 5m, rpo: 30s}
"""


def with_handovers(*entries: str) -> str:
    """The example with a list; its first entry stands on line 23."""
    return EXAMPLE + "    handovers:\n" + "".join(f"      - {entry}\n" for entry in entries)

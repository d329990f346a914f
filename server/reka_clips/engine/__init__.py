"""The embedded Clip API: the same HTTP contract as Reka's, answered on this machine."""

"""Calls, liquidation, takeover, and the waterfall down to the last layer."""

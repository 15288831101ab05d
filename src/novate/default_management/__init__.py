"""Default management: margin calls, liquidation, takeover and the default waterfall."""

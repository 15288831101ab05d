"""Every command, event, refusal and parameter: one declaration each."""

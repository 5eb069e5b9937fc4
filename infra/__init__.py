"""What a stage stands on beside its functions: the resource stack and the gateway's own answers."""

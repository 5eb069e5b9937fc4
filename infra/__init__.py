"""The deployment of a stage: its resource stacks, functions, API, triggers and alarms."""

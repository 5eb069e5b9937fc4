"""The operators' commands on a stage, such as the proof of one consent, export, import, growth.

`python -m ops --help` lists them. Each command has a module. `stage` puts the process into a stage;
then the command runs the same code on the same tables as the functions.
"""

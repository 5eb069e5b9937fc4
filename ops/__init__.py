"""What operators do by hand, on a stage: the proof of one consent, export, import, growth.

`python -m ops --help`. `stage` puts the process into a stage; then each file is a command, on the same code and the
same tables as the functions. `cells` is how tables leave for a spreadsheet.
"""

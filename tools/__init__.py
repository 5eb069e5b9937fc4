"""Generators of checked-in files (`make generated`). A test checks that each file is current."""

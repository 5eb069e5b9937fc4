"""What is made at build time and checked in: each module makes one file, and a test checks that it is current."""

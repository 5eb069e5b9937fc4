"""What the website and its visitors are given: the snippet, our pages and mails, and the published contract."""

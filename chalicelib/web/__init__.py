"""What the website and its visitors are given: the snippet, our pages and mails, the contract."""

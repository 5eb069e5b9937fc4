"""The mailbox: every mail SES was given and every alert SNS published, to look at in a browser."""

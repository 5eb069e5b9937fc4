"""The mailbox: a page that shows every mail given to SES and every alert published by SNS."""

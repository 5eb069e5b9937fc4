"""The same view, signup and callback as their users would write them; each file is one Lambda function."""

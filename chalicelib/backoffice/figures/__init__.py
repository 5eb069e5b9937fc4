"""The figures of a span: callbacks, newsletter growth, article views."""

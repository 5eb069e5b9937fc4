"""What spans capabilities for a page of the website that embeds us: all it shows, in one answer."""

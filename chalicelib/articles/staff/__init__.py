"""The staff's calls about articles: `api` answers programs in JSON."""

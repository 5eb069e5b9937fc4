"""The staff's side of the articles: `api` answers programs in JSON, `pages` people in HTML."""

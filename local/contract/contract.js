// Shows the API's contract. What is public can be tried out from here; the staff's calls answer to their own pages only.
"use strict"

window.ui = SwaggerUIBundle({
  url: document.body.dataset.url,
  dom_id: "#contract",
  deepLinking: true,
  displayOperationId: true,
  defaultModelsExpandDepth: 0,
  validatorUrl: null, // a service of others
  plugins: [
    () => ({
      statePlugins: {
        spec: {
          wrapSelectors: { allowTryItOutFor: () => (state, path) => !path.startsWith("/staff") },
        },
      },
    }),
  ],
})

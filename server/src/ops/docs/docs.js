// Shows the document of this server. "Try it out" sends its requests to this server, whatever the document lists.

(async () => {
  const document = await (await fetch("openapi.json")).json();
  const spec = { ...document, servers: [{ url: new URL(".", location.href).href.replace(/\/$/, ""), description: "this server" }] };
  // Nothing is kept, and no validator elsewhere is asked.
  SwaggerUIBundle({ spec, dom_id: "#api", persistAuthorization: false, validatorUrl: null, tryItOutEnabled: true, docExpansion: "full" });
})();

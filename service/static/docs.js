// The API's page: shows the OpenAPI document with Swagger UI, which requests can be tried in.

window.SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#api",
  deepLinking: true,
  persistAuthorization: false,
  validatorUrl: null,
});

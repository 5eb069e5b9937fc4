export default { base: '/astro', trailingSlash: 'always', telemetry: false };

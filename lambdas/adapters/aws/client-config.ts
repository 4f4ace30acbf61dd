/**
 * Settings of every AWS client: a service that hangs must cost one attempt, not the whole response.
 * Without `throwOnRequestTimeout` the SDK only warns; the socket timeout covers a reply that stops half-way.
 */
export const AWS_CLIENT_CONFIG = {
  maxAttempts: 3,
  requestHandler: {
    connectionTimeout: 500,
    requestTimeout: 1000,
    socketTimeout: 1000,
    throwOnRequestTimeout: true,
  },
};

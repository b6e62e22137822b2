package forge

import "net/http"

// VerifyWebhook is the JSON of a webhook that is genuine and fresh. body are the bytes as they arrived; several
// secrets are tried in turn, for while one is being replaced. AuthError for a message that is not genuine or more than five
// minutes off, InvalidRequestError for one that is no JSON, ConfigError for a secret that cannot be one.
func VerifyWebhook(scheme WebhookScheme, body []byte, headers http.Header, secrets ...Secret) ([]byte, error) {
	return verifyWebhook(scheme, body, headers, secrets, SystemClock{}.Wall())
}

func verifyWebhook(scheme WebhookScheme, body []byte, headers http.Header, secrets []Secret, now float64) ([]byte, error) {
	var fields []Field
	for name, values := range headers {
		for _, value := range values {
			fields = append(fields, Field{name, value})
		}
	}
	if err := scheme.check(secrets, NewHeaders(fields...), body, now); err != nil {
		return nil, err
	}
	if _, err := decodeJSON(body); err != nil {
		return nil, newError(KindInvalidRequest, "The webhook is not JSON: %v", err)
	}
	return body, nil
}

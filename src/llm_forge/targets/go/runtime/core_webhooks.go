package forge

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Signatures of webhooks: who sent a message, and when.
//
//   - The signature is over the bytes that arrived, so it is checked before anything decodes them.
//   - Comparison takes the same time wherever it fails; every secret and every signature is tried.
//   - A message outside the replay window is refused, whatever its signature says.

const (
	replayWindow     = 300.0
	mostStampDigits  = 15
	stampNotADecimal = "The webhook's timestamp is not a whole number of seconds"
)

// WebhookScheme is how a provider signs: HMAC-SHA256 over the Signed parts (id, timestamp, body), joined by a dot.
//
// The signature header holds signatures separated by spaces, each Version, a comma and the signature; with Version "" it
// holds bare ones. A secret in Base64 may carry KeyPrefix; with KeyIsText it is taken as it is.
type WebhookScheme struct {
	SignatureHeader string
	TimestampHeader string
	IDHeader        string
	Signed          []string
	Version         string
	HexSignature    bool
	KeyIsText       bool
	KeyPrefix       string
}

// StandardWebhooks is the scheme of standardwebhooks.com, which OpenAI and many others use.
func StandardWebhooks() WebhookScheme {
	return WebhookScheme{
		SignatureHeader: "webhook-signature", TimestampHeader: "webhook-timestamp", IDHeader: "webhook-id",
		Signed: []string{"id", "timestamp", "body"}, Version: "v1", KeyPrefix: "whsec_",
	}
}

// check is nil if one of the secrets signed this message within the window of now, in seconds since the epoch.
func (s WebhookScheme) check(secrets []Secret, headers Headers, body []byte, now float64) error {
	stamp, err := s.stamp(headers, now)
	if err != nil {
		return err
	}
	parts := map[string]string{"timestamp": stamp, "body": string(body)}
	if slices.Contains(s.Signed, "id") {
		if parts["id"], err = requiredHeader(headers, s.IDHeader); err != nil {
			return err
		}
	}
	given, err := requiredHeader(headers, s.SignatureHeader)
	if err != nil {
		return err
	}
	signed := make([]string, len(s.Signed))
	for place, name := range s.Signed {
		signed[place] = parts[name]
	}
	return s.compare(secrets, s.signatures(given), []byte(strings.Join(signed, ".")))
}

func (s WebhookScheme) stamp(headers Headers, now float64) (string, error) {
	stamp, err := requiredHeader(headers, s.TimestampHeader)
	if err != nil {
		return "", err
	}
	if len(stamp) > mostStampDigits || digitsIn([]byte(stamp)) != len(stamp) {
		return "", newError(KindAuth, stampNotADecimal)
	}
	sent, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return "", newError(KindAuth, stampNotADecimal)
	}
	if math.Abs(now-float64(sent)) > replayWindow {
		return "", newError(KindAuth, "The webhook's timestamp is not within %g s of now; it may be a replay", replayWindow)
	}
	return stamp, nil
}

func (s WebhookScheme) compare(secrets []Secret, given []string, message []byte) error {
	matches := false
	for _, secret := range secrets {
		wanted, err := s.signature(secret, message)
		if err != nil {
			return err
		}
		for _, one := range given {
			matches = hmac.Equal([]byte(wanted), []byte(one)) || matches
		}
	}
	if !matches {
		return newError(KindAuth, "The webhook's signature does not fit its content and the secret")
	}
	return nil
}

// signatures are those of the scheme's version; those of other versions are not ours to judge.
func (s WebhookScheme) signatures(value string) []string {
	words := strings.Fields(value)
	if s.Version == "" {
		return words
	}
	var found []string
	for _, word := range words {
		if signature, ok := strings.CutPrefix(word, s.Version+","); ok {
			found = append(found, signature)
		}
	}
	return found
}

func (s WebhookScheme) signature(secret Secret, message []byte) (string, error) {
	key := []byte(secret.Reveal())
	if !s.KeyIsText {
		decoded, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret.Reveal(), s.KeyPrefix))
		if err != nil {
			return "", newError(KindConfig, "The webhook secret is not Base64; copy it whole from the provider")
		}
		key = decoded
	}
	sum := hmac.New(sha256.New, key)
	sum.Write(message)
	if s.HexSignature {
		return hex.EncodeToString(sum.Sum(nil)), nil
	}
	return base64.StdEncoding.EncodeToString(sum.Sum(nil)), nil
}

func requiredHeader(headers Headers, name string) (string, error) {
	if value := headers.Get(name); value != "" {
		return value, nil
	}
	return "", newError(KindAuth, "The webhook has no header %s", name)
}

package forge

import (
	"context"
	"encoding/json"
	"net/url"
)

// Pages of a list: each is the answer as it came, and knows how to get the next one.
//
//   - Every page is an ordinary call, with the options of the first, and is asked for when it is needed.
//   - A link is followed to the client's own origin only.
//   - A page that the server sends twice is an error, not an endless list.

// Page is one page of a list.
type Page struct {
	Answer *Answer
	Items  []any // as decoded JSON

	client    *Client
	operation *Operation
	params    Params
	options   []CallOption
	extras    extras
	seen      map[pageMark]bool
}

// Pages asks for the first page of a list.
func (c *Client) Pages(ctx context.Context, operation *Operation, params Params, options ...CallOption) (*Page, error) {
	if operation.Pages == nil {
		return nil, newError(KindInvalidRequest, "%s has no pages", operation.Name)
	}
	first := &Page{client: c, operation: operation, params: params, options: options, seen: map[pageMark]bool{}}
	made, err := c.callConfig(options)
	if err != nil {
		return nil, err
	}
	first.extras = made.extras
	return first.fetch(ctx)
}

func (p *Page) fetch(ctx context.Context) (*Page, error) {
	answer, err := p.client.Call(ctx, p.operation, p.params, p.options...)
	if err != nil {
		return nil, err
	}
	p.Answer, p.Items = answer, itemsOf(p.operation.Pages, answer.Value)
	return p, nil
}

// HasNext says whether the answer says that the list goes on.
func (p *Page) HasNext() bool {
	step, err := nextStep(p.operation.Pages, p.Answer.Value, p.given())
	return step != nil && err == nil
}

// Next is the page after this one, nil at the end of the list.
func (p *Page) Next(ctx context.Context) (*Page, error) {
	given := p.given()
	step, err := nextStep(p.operation.Pages, p.Answer.Value, given)
	if step == nil || err != nil {
		return nil, err
	}
	following, err := p.following(*step, given)
	if err != nil {
		return nil, err
	}
	return following.fetch(ctx)
}

// All gives this page and those that follow, and the error that ends them, for range.
func (p *Page) All(ctx context.Context) func(yield func(*Page, error) bool) {
	return func(yield func(*Page, error) bool) {
		for page := p; page != nil; {
			if !yield(page, nil) {
				return
			}
			next, err := page.Next(ctx)
			if err != nil {
				yield(nil, err)
				return
			}
			page = next
		}
	}
}

// given are the parameters in effect, from where the rule's own one stands.
func (p *Page) given() object {
	held, extra := p.params.Query, p.extras.query
	if p.operation.Pages.InBody {
		fields, err := fieldsOf(p.params.Body)
		if err != nil {
			fields = nil // it was sent, so it is an object
		}
		held, extra = fields, p.extras.body
	}
	given := object{}
	for _, source := range []object{held, extra} {
		for name, value := range source {
			if !isAbsent(value) {
				given[name] = plainNumber(value)
			}
		}
	}
	return given
}

// plainNumber is a number behind a pointer, or of a type of the caller's own.
func plainNumber(value any) any {
	encoded, err := json.Marshal(value)
	if err != nil {
		return value
	}
	return decoded(encoded)
}

func (p *Page) following(step pageStep, given object) (*Page, error) {
	began := pageStep{param: step.param, value: given[step.param]}
	seen := map[pageMark]bool{began.mark(): true}
	for mark := range p.seen {
		seen[mark] = true
	}
	if seen[step.mark()] {
		return nil, p.refuse("%s sent a page again; the list would have no end", p.operation.Name)
	}
	seen[step.mark()] = true
	next := &Page{client: p.client, operation: p.operation, params: p.params, seen: seen}
	added := object{}
	next.options = append(append([]CallOption(nil), p.options...), p.withExtra(added))
	if step.url != "" {
		link, err := p.checked(step.url)
		next.params.Query, next.params.URL = nil, link
		return next, err
	}
	delete(given, step.param)
	added[step.param] = step.value
	if p.operation.Pages.InBody {
		next.params.Body = given
	} else {
		next.params.Query = given
	}
	next.extras = p.extras.with(p.operation.Pages, added)
	return next, nil
}

// withExtra: what the caller added to the query or body stands in the parameters, or in the link, already.
func (p *Page) withExtra(added object) CallOption {
	return callOnly(func(c *callConfig) error {
		c.extras = c.extras.with(p.operation.Pages, added)
		return nil
	})
}

func (e extras) with(rule *PageRule, added object) extras {
	if rule.InBody {
		e.body = added
	} else {
		e.query = added
	}
	return e
}

// checked is the absolute form of a link; InvalidResponseError if it leads elsewhere.
func (p *Page) checked(link string) (string, error) {
	base := p.client.shared.baseURL
	origin := "an invalid URL"
	if parts, err := url.Parse(base + "/"); err == nil {
		if target, err := parts.Parse(link); err == nil {
			if origin = or(originOf(target.String()), origin); origin == originOf(base) {
				return target.String(), nil
			}
		}
	}
	return "", p.refuse("The next page of %s is at %s, which is not followed", p.operation.Name, origin)
}

func (p *Page) refuse(format string, args ...any) *Error {
	err := newError(KindInvalidResponse, format, args...)
	err.Operation = p.operation.Name
	return err
}

package forge

import "fmt"

// Which page of a list follows an answer.
//
//   - A list ends where the answer says so, or where a page is empty; an answer that says there is more, and not
//     where, is an error: a list is never silently short.
//   - Every step has a mark; a mark that comes again is a server that goes round in circles.

// pageStep is the parameter to set for the next page, or the URL of it.
type pageStep struct {
	param string
	value any
	url   string
}

type pageMark struct{ param, text string }

// mark is what tells this step from every other.
func (s pageStep) mark() pageMark {
	if s.url != "" {
		return pageMark{text: s.url}
	}
	return pageMark{s.param, fmt.Sprint(s.value)}
}

// itemsOf are the items of a page, as JSON.
func itemsOf(rule *PageRule, answer any) []any {
	found, _ := at(answer, rule.Items).([]any)
	return found
}

// nextStep is how to ask for the page after an answer, nil at the end; given are the parameters that it was
// asked with. InvalidResponseError where more is announced and cannot be asked for.
func nextStep(rule *PageRule, answer any, given object) (*pageStep, error) {
	if rule.More != "" && !truthy(at(answer, rule.More)) {
		return nil, nil
	}
	items := itemsOf(rule, answer)
	switch rule.Style {
	case PageAfterID, PageBeforeID:
		return stepByID(rule, items, given)
	case PageCursor:
		return stepByCursor(rule, answer, given)
	case PageNumber:
		return stepByNumber(rule, answer, items, given), nil
	case PageLink:
		if url := asText(at(answer, rule.Next)); url != "" {
			return &pageStep{url: url}, nil
		}
	}
	return nil, nil
}

func stepByCursor(rule *PageRule, answer any, given object) (*pageStep, error) {
	cursor := at(answer, rule.Next)
	switch {
	case cursor != nil && cursor != "":
		return &pageStep{param: rule.Param, value: cursor}, nil
	case rule.Otherwise != nil:
		return nextStep(rule.Otherwise, answer, given)
	case rule.More != "":
		return nil, newError(KindInvalidResponse, "The list goes on, but there is no cursor at %s", rule.Next)
	}
	return nil, nil
}

func stepByID(rule *PageRule, items []any, given object) (*pageStep, error) {
	if len(items) == 0 {
		return nil, nil
	}
	backwards := rule.Style == PageBeforeID || rule.Before != "" && given[rule.Before] != nil
	param, item := rule.Param, items[len(items)-1]
	if backwards {
		param, item = or(rule.Before, rule.Param), items[0]
	}
	id := at(item, or(rule.ID, "id"))
	if id == nil {
		return nil, newError(KindInvalidResponse, "The list goes on, but its item at the end has no %s", or(rule.ID, "id"))
	}
	return &pageStep{param: param, value: id}, nil
}

func stepByNumber(rule *PageRule, answer any, items []any, given object) *pageStep {
	if len(items) == 0 {
		return nil
	}
	start := rule.Start
	number := wholeOr(given[rule.Param], start)
	size := wholeOr(given[rule.SizeParam], len(items))
	if rule.Total != "" {
		if total, ok := asInt(at(answer, rule.Total)); ok && (number-start+1)*size >= total {
			return nil
		}
	}
	return &pageStep{param: rule.Param, value: number + 1}
}

func wholeOr(value any, otherwise int) int {
	if whole, ok := asInt(value); ok {
		return whole
	}
	return otherwise
}

package forge

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// The part of YAML that configuration files need: block and flow mappings and lists, plain and quoted scalars on one
// line, comments. Tags, anchors, aliases, directives and text over several lines are refused, so that no file can make
// objects or expand. JSON is part of it. A key given twice is an error; keys are taken as written.

const mostYAMLDepth = 50

// yamlNode is a value and where it stands. value is a scalar of JSON; entries are those of a mapping, items of a list.
type yamlNode struct {
	key     string
	file    string
	line    int
	path    string
	shape   string // scalar, mapping or list
	value   any
	entries []*yamlNode
	items   []*yamlNode
}

// String is file:line.
func (n *yamlNode) String() string { return fmt.Sprintf("%s:%d", n.file, n.line) }

func (n *yamlNode) errorf(format string, args ...any) error {
	where := n.String()
	if n.path != "" {
		where += ": " + n.path
	}
	return newError(KindConfig, "%s: %s", where, fmt.Sprintf(format, args...))
}

// entry is the value of a key, nil if there is none.
func (n *yamlNode) entry(key string) (*yamlNode, error) {
	if n.shape != "mapping" && n.value != nil {
		return nil, n.errorf("expected a mapping, found %s", n.kind())
	}
	for _, one := range n.entries {
		if one.key == key {
			return one, nil
		}
	}
	return nil, nil
}

func (n *yamlNode) isText() bool {
	_, ok := n.value.(string)
	return ok
}

func (n *yamlNode) text() string { return asText(n.value) }

// kind is what sort of value this is; never the value, which could be a credential.
func (n *yamlNode) kind() string {
	switch n.value.(type) {
	case string:
		return "text"
	case bool:
		return "true or false"
	case json.Number:
		return "a number"
	}
	return map[string]string{"mapping": "a mapping", "list": "a list"}[n.shape]
}

// plain is the value without the places in it.
func (n *yamlNode) plain() any {
	switch n.shape {
	case "mapping":
		made := object{}
		for _, entry := range n.entries {
			made[entry.key] = entry.plain()
		}
		return made
	case "list":
		made := make([]any, len(n.items))
		for place, item := range n.items {
			made[place] = item.plain()
		}
		return made
	}
	return n.value
}

type yamlLine struct {
	number, indent int
	text           string
}

type yamlParser struct {
	file  string
	lines []yamlLine
	at    int
}

// parseYAML is a document as a tree; ConfigError with file and line.
func parseYAML(content []byte, file string) (*yamlNode, error) {
	p := &yamlParser{file: file}
	root := &yamlNode{file: file, line: 1, shape: "mapping"}
	if !utf8.Valid(content) {
		return nil, root.errorf("not UTF-8")
	}
	for number, text := range strings.Split(string(content), "\n") {
		if text = withoutComment(strings.TrimRight(text, " \t\r")); strings.TrimSpace(text) == "" || text == "---" {
			continue
		}
		trimmed := strings.TrimLeft(text, " ")
		if strings.HasPrefix(trimmed, "\t") {
			return nil, (&yamlNode{file: file, line: number + 1}).errorf("not YAML: a tab indents it")
		}
		p.lines = append(p.lines, yamlLine{number + 1, len(text) - len(trimmed), trimmed})
	}
	if len(p.lines) == 0 {
		return root, nil
	}
	err := p.block(root, p.lines[0].indent, 0)
	if err == nil && p.at < len(p.lines) {
		err = p.node(root, "").errorf("not YAML: unexpected indentation")
	}
	return root, err
}

// withoutComment drops a comment: a # at the start or after a space, outside quotes.
func withoutComment(text string) string {
	quote := rune(0)
	for place, char := range text {
		switch {
		case quote != 0:
			if char == quote && (quote == '\'' || place == 0 || text[place-1] != '\\') {
				quote = 0
			}
		case char == '"' || char == '\'':
			if place == 0 || strings.ContainsRune(" [{,:", rune(text[place-1])) {
				quote = char
			}
		case char == '#' && (place == 0 || text[place-1] == ' ' || text[place-1] == '\t'):
			return strings.TrimRight(text[:place], " \t")
		}
	}
	return text
}

// node is a new one at the current line, in a parent.
func (p *yamlParser) node(parent *yamlNode, key string) *yamlNode {
	line := p.lines[min(p.at, len(p.lines)-1)].number
	return &yamlNode{key: key, file: p.file, line: line, shape: "scalar", path: strings.TrimPrefix(parent.path+"."+key, ".")}
}

// block reads the lines of one indentation into a node.
func (p *yamlParser) block(into *yamlNode, indent, depth int) error {
	if depth > mostYAMLDepth {
		return into.errorf("more than %d levels", mostYAMLDepth)
	}
	first := p.lines[p.at].text
	switch {
	case first == "-" || strings.HasPrefix(first, "- "):
		into.shape = "list"
	case keyOf(first) == "":
		return p.scalarLine(into, first)
	default:
		into.shape = "mapping"
	}
	for p.at < len(p.lines) && p.lines[p.at].indent == indent {
		var err error
		if into.shape == "list" {
			err = p.item(into, indent, depth)
		} else {
			err = p.member(into, indent, depth)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *yamlParser) scalarLine(into *yamlNode, text string) error {
	err := parseFlow(into, text)
	p.at++
	return err
}

var plainKey = regexp.MustCompile(`^("(?:[^"\\]|\\.)*"|'[^']*'|[^\s"'\[\]{},#&*!|>%@` + "`" + `-][^"'\[\]{},#]*?)\s*:(?:\s+(.*))?$`)

// keyOf is the key of a line, "" if it has none.
func keyOf(text string) string {
	if found := plainKey.FindStringSubmatch(text); found != nil {
		return strings.Trim(found[1], `"'`)
	}
	return ""
}

func (p *yamlParser) member(into *yamlNode, indent, depth int) error {
	found := plainKey.FindStringSubmatch(p.lines[p.at].text)
	if found == nil {
		return p.node(into, "").errorf("not YAML: expected a key and a colon")
	}
	entry := p.node(into, strings.Trim(found[1], `"'`))
	if before, _ := into.entry(entry.key); before != nil {
		return entry.errorf("the key %q is given twice", entry.key)
	}
	into.entries = append(into.entries, entry)
	p.at++
	if found[2] != "" {
		return parseFlow(entry, found[2])
	}
	deeper := p.at < len(p.lines) && (p.lines[p.at].indent > indent ||
		p.lines[p.at].indent == indent && strings.HasPrefix(p.lines[p.at].text, "- "))
	if deeper {
		return p.block(entry, p.lines[p.at].indent, depth+1)
	}
	return nil
}

func (p *yamlParser) item(into *yamlNode, indent, depth int) error {
	line := p.lines[p.at]
	if line.text != "-" && !strings.HasPrefix(line.text, "- ") {
		return p.node(into, "").errorf("not YAML: expected an entry of the list")
	}
	entry := p.node(into, fmt.Sprint(len(into.items)))
	into.items = append(into.items, entry)
	rest := strings.TrimLeft(strings.TrimPrefix(line.text, "-"), " ")
	if rest == "" {
		p.at++
		if p.at < len(p.lines) && p.lines[p.at].indent > indent {
			return p.block(entry, p.lines[p.at].indent, depth+1)
		}
		return nil
	}
	// What follows the dash is a block of its own, indented as far as it stands.
	within := indent + len(line.text) - len(rest)
	p.lines[p.at] = yamlLine{line.number, within, rest}
	return p.block(entry, within, depth+1)
}

// parseFlow reads a value on one line into a node.
func parseFlow(into *yamlNode, text string) error {
	reader := &flowReader{text: text, node: into}
	if err := reader.value(into, 0); err != nil {
		return err
	}
	if reader.space(); reader.at < len(text) {
		return into.errorf("not YAML: there is more after the value")
	}
	return nil
}

type flowReader struct {
	text string
	at   int
	node *yamlNode
}

func (r *flowReader) space() {
	for r.at < len(r.text) && (r.text[r.at] == ' ' || r.text[r.at] == '\t') {
		r.at++
	}
}

func (r *flowReader) take(char byte) bool {
	r.space()
	if r.at < len(r.text) && r.text[r.at] == char {
		r.at++
		return true
	}
	return false
}

func (r *flowReader) value(into *yamlNode, depth int) error {
	r.space()
	switch {
	case depth > mostYAMLDepth:
		return r.node.errorf("more than %d levels", mostYAMLDepth)
	case r.at == len(r.text):
		return nil
	case r.take('{'):
		into.shape = "mapping"
		return r.members(into, depth)
	case r.take('['):
		into.shape = "list"
		return r.items(into, depth)
	case strings.IndexByte("&*!|>%@`", r.text[r.at]) >= 0:
		return r.node.errorf("tags, anchors, aliases and text over several lines are not taken here")
	}
	value, err := r.scalar(depth > 0)
	into.value = value
	return err
}

func (r *flowReader) child(into *yamlNode, key string) *yamlNode {
	return &yamlNode{key: key, file: r.node.file, line: r.node.line, shape: "scalar", path: strings.TrimPrefix(into.path+"."+key, ".")}
}

func (r *flowReader) members(into *yamlNode, depth int) error {
	for !r.take('}') {
		r.space()
		key, err := r.scalar(true)
		if err != nil || !r.take(':') {
			return r.node.errorf("not YAML: expected a key and a colon")
		}
		entry := r.child(into, fmt.Sprint(key))
		if before, _ := into.entry(entry.key); before != nil {
			return entry.errorf("the key %q is given twice", entry.key)
		}
		into.entries = append(into.entries, entry)
		if err := r.value(entry, depth+1); err != nil {
			return err
		}
		if r.take('}') {
			return nil
		}
		if !r.take(',') {
			return r.node.errorf("not YAML: expected a comma or a closing brace")
		}
	}
	return nil
}

func (r *flowReader) items(into *yamlNode, depth int) error {
	for !r.take(']') {
		entry := r.child(into, fmt.Sprint(len(into.items)))
		into.items = append(into.items, entry)
		if err := r.value(entry, depth+1); err != nil {
			return err
		}
		if r.take(']') {
			return nil
		}
		if !r.take(',') {
			return r.node.errorf("not YAML: expected a comma or a closing bracket")
		}
	}
	return nil
}

// scalar is a quoted or plain one; within a flow collection commas, colons and brackets end it.
func (r *flowReader) scalar(within bool) (any, error) {
	rest := r.text[r.at:]
	switch {
	case strings.HasPrefix(rest, `"`):
		end := endOfString([]byte(rest), 0)
		if end >= len(rest) {
			return nil, r.node.errorf("not YAML: an open quote")
		}
		r.at += end + 1
		var text string
		if err := json.Unmarshal([]byte(rest[:end+1]), &text); err != nil {
			return nil, r.node.errorf("not YAML: a text in quotes that cannot be read")
		}
		return text, nil
	case strings.HasPrefix(rest, "'"):
		return r.singleQuoted(rest)
	}
	end := len(rest)
	if within {
		if stop := plainEnd.FindStringIndex(rest); stop != nil {
			end = stop[0]
		}
	}
	r.at += end
	return plainScalar(strings.TrimSpace(rest[:end])), nil
}

var plainEnd = regexp.MustCompile(`[,\[\]{}]|:(?:\s|$)`)

func (r *flowReader) singleQuoted(rest string) (any, error) {
	for place := 1; place < len(rest); place++ {
		if rest[place] != '\'' {
			continue
		}
		if strings.HasPrefix(rest[place:], "''") {
			place++
			continue
		}
		r.at += place + 1
		return strings.ReplaceAll(rest[1:place], "''", "'"), nil
	}
	return nil, r.node.errorf("not YAML: an open quote")
}

var yamlNumber = regexp.MustCompile(`^[-+]?(?:0|[1-9][0-9_]*)?(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?$`)

// plainScalar is a scalar without quotes, by the core schema of YAML 1.2.
func plainScalar(text string) any {
	switch text {
	case "", "~", "null", "Null", "NULL":
		return nil
	case "true", "True", "TRUE":
		return true
	case "false", "False", "FALSE":
		return false
	}
	number := strings.ReplaceAll(strings.TrimPrefix(text, "+"), "_", "")
	if strings.HasPrefix(number, ".") {
		number = "0" + number
	}
	if yamlNumber.MatchString(text) && json.Valid([]byte(number)) {
		return json.Number(number)
	}
	return text
}

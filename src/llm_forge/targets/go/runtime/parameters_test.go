package forge

import (
	"fmt"
	"testing"
)

func TestAPathCarriesAParameterInItsStyle(t *testing.T) {
	fields := map[string]any{"a": 1, "b": true, "c": nil}
	for _, one := range []struct {
		value           any
		style, expected string
	}{
		{"a/b;c,d", "", "a%2Fb%3Bc%2Cd"},
		{[]string{"a", "b,c"}, "", "a,b%2Cc"},
		{fields, "", "a,1,b,true"},
		{fields, "pairs", "a=1,b=true"},
		{map[string]any{"a": 1}, "json", "%7B%22a%22%3A1%7D"},
		{"a.b", "label", ".a.b"},
		{[]string{"a", "b"}, "label", ".a,b"},
		{[]string{"a", "b"}, "label*", ".a.b"},
		{fields, "label*", ".a=1.b=true"},
		{"x;y=z", "matrix", ";p=x%3By%3Dz"},
		{"", "matrix", ";p"},
		{[]string{"a", "b"}, "matrix", ";p=a,b"},
		{[]string{"a", "", "b"}, "matrix*", ";p=a;p;p=b"},
		{fields, "matrix*", ";a=1;b=true"},
	} {
		t.Run(one.style+" "+one.expected, func(t *testing.T) {
			found, err := fillPath("/x{p}", map[string]any{"p": one.value}, map[string]string{"path.p": one.style})
			if err != nil || found != "/x"+one.expected {
				t.Errorf("found %q, %v, expected %q", found, err, "/x"+one.expected)
			}
		})
	}
}

func TestAnOddTemplateLeavesParametersEncoded(t *testing.T) {
	path, err := fillPath("/a\"ü/{p}", map[string]any{"p": "b/c"}, nil)
	if err != nil || path != "/a%22%C3%BC/b%2Fc" {
		t.Errorf("found %q, %v", path, err)
	}
}

func TestNoStyleLetsAParameterChangeTheRoute(t *testing.T) {
	for style, value := range map[string]any{"label": ".", "label*": "", "matrix*": []string{}, "comma": ".."} {
		t.Run(fmt.Sprint(style, value), func(t *testing.T) {
			if found, err := fillPath("/a/{p}", map[string]any{"p": value}, map[string]string{"path.p": style}); err == nil {
				t.Errorf("%q was made", found)
			}
		})
	}
}

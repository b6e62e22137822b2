package forge

import (
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Names of files that a server chose, made harmless. A name from the network is text that an attacker
// may have written: only its last part counts, without control and path characters, without dots in front, not
// longer than file systems allow.

// longestName in bytes: file systems allow 255; room is left for the suffix of an unfinished file.
const longestName = 200

var (
	// deviceName: Windows opens devices by these names, with any extension.
	deviceName      = regexp.MustCompile(`(?is)^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?$`)
	dispositionPart = regexp.MustCompile(`;\s*([\w!#$&+.^` + "`" + `|~-]+)(\*?)\s*=\s*("(?:[^"\\]|\\.)*"|[^;]*)`)
)

// safeFileName is the base name to store a file under; "download" where nothing usable is left.
func safeFileName(name string) string {
	base := name[strings.LastIndexAny(name, `/\`)+1:]
	kept := strings.Map(func(char rune) rune {
		separator := unicode.In(char, unicode.Zl, unicode.Zp)
		if strings.ContainsRune(`<>:"|?*`, char) || !unicode.IsGraphic(char) && !separator {
			return -1
		}
		return char
	}, base)
	kept = strings.Trim(kept, " .")
	if deviceName.MatchString(kept) {
		kept = "_" + kept
	}
	return or(shortName(kept), "download")
}

// dispositionName is the file name of a Content-Disposition header as it was sent (RFC 6266), "" without one.
// filename* comes before filename; it is percent-encoded in the character set that it names.
func dispositionName(header string) string {
	plain := ""
	for _, found := range dispositionPart.FindAllStringSubmatch(header, -1) {
		if !strings.EqualFold(found[1], "filename") {
			continue
		}
		value := bare(strings.TrimSpace(found[3]))
		if found[2] == "" {
			plain = or(plain, value)
		} else if extended := extendedName(value); extended != "" {
			return extended
		}
	}
	return plain
}

// extendedName is the text of UTF-8'en'a%20name (RFC 8187), "" if it is malformed.
func extendedName(value string) string {
	charset, rest, found := strings.Cut(value, "'")
	_, encoded, _ := strings.Cut(rest, "'")
	raw := []byte(unescapedLeniently(encoded))
	switch {
	case !found:
		return ""
	case strings.EqualFold(charset, "utf-8"):
		return validText(raw)
	case strings.EqualFold(charset, "iso-8859-1"):
		runes := make([]rune, len(raw))
		for place, one := range raw {
			runes[place] = rune(one)
		}
		return string(runes)
	}
	return ""
}

// unescapedLeniently undoes percent-encoding and leaves a percent sign that begins none.
func unescapedLeniently(text string) string {
	var made strings.Builder
	for place := 0; place < len(text); place++ {
		if text[place] == '%' && place+2 < len(text) {
			if char, err := url.PathUnescape(text[place : place+3]); err == nil {
				made.WriteString(char)
				place += 2
				continue
			}
		}
		made.WriteByte(text[place])
	}
	return made.String()
}

// shortName is the name within the limit, its extension kept.
func shortName(name string) string {
	if len(name) <= longestName {
		return name
	}
	stem, extension := name, ""
	if dot := strings.LastIndexByte(name, '.'); dot >= 0 && len(name)-dot-1 <= longestName/4 {
		stem, extension = name[:dot], name[dot:]
	}
	cut := stem[:longestName-max(len(extension), 1)]
	for !utf8.ValidString(cut) {
		cut = cut[:len(cut)-1]
	}
	return strings.TrimRight(cut, " .") + extension
}

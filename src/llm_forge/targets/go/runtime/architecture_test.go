package forge

import (
	"go/ast"
	"go/importer"
	"go/parser"
	gotoken "go/token"
	"go/types"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// What a pure decision must not reach for: the world, and everything that waits.
var (
	impureImports = []string{"context", "crypto/rand", "io", "math/rand", "math/rand/v2", "net", "net/http", "os", "sync", "sync/atomic"}
	impureTimes   = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick"}
)

func parsedFiles(t *testing.T, pattern string) (*gotoken.FileSet, []*ast.File) {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) < 20 {
		t.Fatalf("found %d files of %s: %v", len(names), pattern, err)
	}
	set := gotoken.NewFileSet()
	var files []*ast.File
	for _, name := range names {
		file, err := parser.ParseFile(set, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return set, files
}

func TestTheCoreCompilesWithoutTheRestOfThePackage(t *testing.T) {
	set, files := parsedFiles(t, "core_*.go")
	config := types.Config{Importer: importer.ForCompiler(set, "source", nil)}
	if _, err := config.Check("forge", set, files, nil); err != nil {
		t.Fatal(err)
	}
}

func TestTheCoreHasNoClockNoChanceAndNoNetwork(t *testing.T) {
	set, files := parsedFiles(t, "core_*.go")
	for _, file := range files {
		name := set.Position(file.Package).Filename
		for _, one := range file.Imports {
			path, _ := strconv.Unquote(one.Path.Value)
			// A JSON decoder needs the name of the end; it reads from memory.
			if slices.Contains(impureImports, path) && !(path == "io" && name == "core_json.go") {
				t.Errorf("%s imports %s", name, path)
			}
		}
		ast.Inspect(file, func(node ast.Node) bool {
			selector, ok := node.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if of, ok := selector.X.(*ast.Ident); ok && of.Name == "time" && slices.Contains(impureTimes, selector.Sel.Name) {
				t.Errorf("%s uses time.%s", set.Position(node.Pos()), selector.Sel.Name)
			}
			return true
		})
	}
}

func TestThePackageNeedsTheStandardLibraryOnly(t *testing.T) {
	set, files := parsedFiles(t, "*.go")
	for _, file := range files {
		for _, one := range file.Imports {
			if path, _ := strconv.Unquote(one.Path.Value); strings.Contains(strings.Split(path, "/")[0], ".") {
				t.Errorf("%s imports %s", set.Position(one.Pos()), path)
			}
		}
	}
}

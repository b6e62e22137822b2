package forge

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
)

// Files in request bodies.
//
//   - Nothing is read before it is sent, and then in pieces; only what the user holds in memory is in memory.
//   - A file that can seek is sent from its position at call time, on every attempt.
//   - A reader that cannot seek can be sent once.

// Upload is a file with the name and media type that the server is to see. Name and type are guessed where they
// are "". Make one with UploadBytes, UploadFile or UploadReader.
type Upload struct {
	Name        string
	ContentType string
	body        requestBody
	err         error
}

// UploadBytes is a file in memory.
func UploadBytes(name string, content []byte) Upload {
	return Upload{Name: name, body: bytesBody(bytes.Clone(content))}
}

// UploadFile is a file by its path, opened anew for each attempt.
func UploadFile(path string) Upload {
	made := Upload{Name: filepath.Base(path)}
	about, err := os.Stat(path)
	if err != nil {
		made.err = newError(KindInvalidRequest, "the file %s cannot be read", path).because(err)
		return made
	}
	made.body = requestBody{present: true, size: about.Size(), rewindable: true, open: func() (io.ReadCloser, error) { return os.Open(path) }}
	return made
}

// UploadReader is what a reader gives, from its position now if it can seek; one that cannot is sent once.
func UploadReader(name string, reader io.Reader) Upload {
	if seeker, ok := reader.(io.ReadSeeker); ok {
		if body, ok := seekableBody(seeker); ok {
			return Upload{Name: name, body: body}
		}
	}
	return Upload{Name: name, body: onceBody(reader)}
}

func seekableBody(file io.ReadSeeker) (requestBody, bool) {
	start, err := file.Seek(0, io.SeekCurrent)
	if err != nil {
		return requestBody{}, false
	}
	end, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return requestBody{}, false
	}
	if _, err := file.Seek(start, io.SeekStart); err != nil {
		return requestBody{}, false
	}
	return requestBody{present: true, size: end - start, rewindable: true, open: func() (io.ReadCloser, error) {
		_, err := file.Seek(start, io.SeekStart)
		return io.NopCloser(io.LimitReader(file, end-start)), err
	}}, true
}

func onceBody(reader io.Reader) requestBody {
	begun := false
	return requestBody{present: true, size: -1, open: func() (io.ReadCloser, error) {
		if begun {
			return nil, newError(KindInvalidRequest, "the file was sent already and cannot be read again")
		}
		begun = true
		return io.NopCloser(reader), nil
	}}
}

// requestBody is a body that is whole, or a source of pieces. size is -1 where nobody knows it.
type requestBody struct {
	present    bool
	whole      []byte
	size       int64
	rewindable bool
	open       func() (io.ReadCloser, error)
}

func bytesBody(content []byte) requestBody {
	return requestBody{present: true, whole: content, size: int64(len(content)), rewindable: true}
}

func (b requestBody) isWhole() bool { return b.open == nil }

func (b requestBody) canRepeat() bool { return !b.present || b.rewindable }

func (b requestBody) reader() (io.ReadCloser, error) {
	if b.open != nil {
		return b.open()
	}
	return io.NopCloser(bytes.NewReader(b.whole)), nil
}

// digest is the body's SHA-256 in hex, for signatures; "" if it cannot be read beforehand.
func (b requestBody) digest() (string, error) {
	if !b.canRepeat() {
		return "", nil
	}
	reader, err := b.reader()
	if err != nil {
		return "", err
	}
	defer reader.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, reader); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// asUpload is the file that a value means, false for a value that is none.
func asUpload(value any) (Upload, bool) {
	switch found := value.(type) {
	case Upload:
		return found, true
	case *Upload:
		if found != nil {
			return *found, true
		}
	case []byte:
		return UploadBytes("", found), true
	case *os.File:
		return UploadReader(filepath.Base(found.Name()), found), true
	case io.Reader:
		return UploadReader("", found), true
	}
	return Upload{}, false
}

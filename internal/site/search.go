package main

import "encoding/json"

// An entry is what the search finds: a section of a page, or a declaration.
type entry struct {
	Page  string `json:"p"`
	Title string `json:"t"`
	URL   string `json:"u"`
	Text  string `json:"x"`
}

// searchIndex returns a script that holds all sections: a page that was opened from disk
// cannot fetch a file, but it can load a script.
func searchIndex(pages []*page) ([]byte, error) {
	var entries []entry
	for _, p := range pages {
		for _, sec := range p.Sections {
			e := entry{Page: p.Title, Title: sec.Title, URL: p.Out, Text: sec.Text}
			if sec.ID != "" {
				e.URL += "#" + sec.ID
			}
			entries = append(entries, e)
		}
	}
	list, err := json.Marshal(entries)
	return append(append([]byte("window.siteIndex = "), list...), ";\n"...), err
}

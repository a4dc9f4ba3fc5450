//go:build unix

package browser_test

import (
	"context"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// cookies returns the cookies that the browser sends to the page of a tab and its frames,
// also those that a script cannot read.
func cookies(t testing.TB, tab context.Context, urls ...string) []*network.Cookie {
	t.Helper()
	res, err := chromedp.Call(tab, network.GetCookies, network.GetCookiesParams{URLs: urls})
	if err != nil {
		t.Fatal(err)
	}
	return res.Cookies
}

// cookieValue returns the value of a cookie, or "".
func cookieValue(t testing.TB, tab context.Context, name string, urls ...string) string {
	t.Helper()
	for _, c := range cookies(t, tab, urls...) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// setCookie gives the browser an HttpOnly cookie for a site.
func setCookie(t testing.TB, tab context.Context, url, name, value string) {
	t.Helper()
	yes := true
	p := network.SetCookieParams{Name: name, Value: value, URL: url, Path: "/", Secure: &yes, HTTPOnly: &yes, SameSite: network.CookieSameSiteLax}
	if _, err := chromedp.Call(tab, network.SetCookie, p); err != nil {
		t.Fatal(err)
	}
}

// clearCookies removes all cookies of the profile.
func clearCookies(ctx context.Context, tab *chromedp.Target) (chromedp.Void, error) {
	_, err := cdp.Call(ctx, tab, network.ClearBrowserCookies, cdp.Empty{})
	return chromedp.Void{}, err
}

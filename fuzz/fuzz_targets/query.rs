//! No query breaks the reading of one, and a page is never longer than it says, nor a module in it twice.

#![no_main]

use landfall::module::ModuleAddress;
use landfall::query::Query;
use landfall::registry::index::Summary;
use landfall::route::ListRoute;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: (&str, Vec<(String, String)>, bool)| {
    let (target, modules, is_search) = data;
    let route = if is_search { ListRoute::Search } else { ListRoute::All };
    let modules: Vec<Summary> = modules
        .into_iter()
        .filter_map(|(name, description)| {
            let address = ModuleAddress::parse("acme", &name, "aws")?;
            Some(Summary {
                owner: address.namespace.clone(),
                address,
                source: String::new(),
                version: None,
                topics: vec![description.clone()],
                description,
                pushed_at: String::new(),
                deprecation: None,
            })
        })
        .collect();
    let count = modules.len();
    for target in [target.to_owned(), format!("/?q={target}"), format!("/?limit=3&offset={target}")] {
        let Ok(query) = Query::parse(&target, &route) else {
            continue;
        };
        let page = query.page(&route, modules.clone());
        assert!(page.modules.len() <= page.limit && page.modules.len() <= count);
        assert!(page.next.is_none_or(|(offset, _)| offset < count));
    }
});
